"""The simulated scanner, used by the real sane-airscan: with scanimage, and with the bridge's SaneScanner."""

import http.client
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from scanner_bridge.device import SaneScanner, ScanRequest
from scanner_bridge.faults import ADVICE, ScanFault
from scanner_bridge.simulate import NAME, SimulatedScanner, write_sane_config
from scanner_bridge.simulate_device import Device, parse_fault
from tests.bridge_double import Desk, Double, order

pytestmark = pytest.mark.in_turns(3)

DEVICE = f"airscan:e0:{NAME}"
A4 = (2480, 3508)


def lay(folder: Path, name: str, text: str = "", size: tuple[int, int] = A4) -> Image.Image:
    image = Image.new("L", size, 245)
    draw = ImageDraw.Draw(image)
    draw.text((200, 300), text or name, fill=10, font_size=120)
    draw.rectangle((200, 600, 200 + 60 * (1 + sum(map(ord, name)) % 30), 700), fill=0)
    image.save(folder / name, dpi=(300, 300))
    return image


class Bench:
    """A simulated scanner in this process, and a SANE configuration that names it alone."""

    def __init__(self, root: Path) -> None:
        self.paper, self.config, self.out = root / "paper", root / "sane", root / "out"
        for folder in (self.paper, self.out):
            folder.mkdir()
        self.server: SimulatedScanner | None = None

    def serve(self, *faults: str, seconds_per_page: float = 0.0) -> SimulatedScanner:
        device = Device(self.paper, [parse_fault(text) for text in faults], seconds_per_page=seconds_per_page)
        self.server = SimulatedScanner(device)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        write_sane_config(self.config, self.server.sane_line)
        return self.server

    def scanimage(self, *arguments: str, source: str = "ADF") -> subprocess.CompletedProcess[str]:
        batch = f"--batch={self.out}/p%03d.pnm"
        command = ["scanimage", "-d", DEVICE, "--source", source, "--format=pnm", batch, "-x", "210", "-y", "297"]
        env = os.environ | {"SANE_CONFIG_DIR": str(self.config)}
        return subprocess.run([*command, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)

    def pages(self) -> list[Image.Image]:
        return [Image.open(io.BytesIO(path.read_bytes())) for path in sorted(self.out.glob("*.pnm"))]

    def done(self) -> list[str]:
        return sorted(path.name for path in (self.paper / "done").glob("*"))

    def close(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    place = Bench(tmp_path)
    yield place
    place.close()


def differs(left: Image.Image, right: Image.Image) -> float:
    return float(ImageStat.Stat(ImageChops.difference(left.convert("L"), right.convert("L"))).mean[0])


def test_scanimage_takes_the_stack_in_order_at_the_size_asked_for(bench: Bench) -> None:
    laid = [lay(bench.paper, name) for name in ("b.png", "a.jpg", "c.tif")]
    bench.serve()
    answer = bench.scanimage("--mode", "Gray", "--resolution", "300")
    assert answer.returncode == 0, answer.stderr
    pages = bench.pages()
    assert [page.mode for page in pages] == ["L"] * 3
    assert all(abs(page.width - 2480) <= 2 and abs(page.height - 3508) <= 2 for page in pages)
    for page, image in zip(pages, [laid[1], laid[0], laid[2]], strict=True):
        assert differs(page.crop((0, 0, 2470, 3490)), image.crop((0, 0, 2470, 3490))) < 1.0
    assert bench.done() == ["a.jpg", "b.png", "c.tif"]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(("mode", "dpi", "expected"), [("Color", 100, "RGB"), ("Gray", 150, "L"), ("Gray", 600, "L")])
def test_mode_resolution_and_region_are_honoured(bench: Bench, mode: str, dpi: int, expected: str) -> None:
    image = lay(bench.paper, "a.png")
    bench.serve()
    answer = bench.scanimage("--mode", mode, "--resolution", str(dpi), "-l", "10", "-t", "20", "-x", "100", "-y", "50")
    assert answer.returncode == 0, answer.stderr
    page = bench.pages()[0]
    assert page.mode == expected
    assert abs(page.width - 100 / 25.4 * dpi) < 3
    assert abs(page.height - 50 / 25.4 * dpi) < 3
    part = image.crop((118, 236, 118 + 1181, 236 + 590)).resize(page.size, Image.Resampling.LANCZOS)
    assert differs(page, part) < 6.0  # half a pixel of the region is rounded
    assert differs(page, image.resize(page.size)) > 12.0


def test_duplex_gives_the_back_of_an_odd_last_sheet_white(bench: Bench) -> None:
    for number in range(3):
        lay(bench.paper, f"{number}.png", size=(827, 1169))
    bench.serve()
    assert bench.scanimage("--resolution", "100", source="ADF Duplex").returncode == 0
    pages = bench.pages()
    assert len(pages) == 4
    assert min(ImageStat.Stat(pages[3]).mean) > 254


def test_glass_gives_one_page_a_time_and_tiff_pages_come_one_by_one(bench: Bench) -> None:
    frames = [Image.new("L", (827, 1169), shade) for shade in (10, 90, 170)]
    frames[0].save(bench.paper / "x.tif", save_all=True, append_images=frames[1:], dpi=(100, 100))
    bench.serve()
    for shade in (10, 90, 170):
        bench.scanimage("--resolution", "100", "--batch-count=1", source="Flatbed")
        assert abs(ImageStat.Stat(bench.pages()[0].crop((50, 50, 500, 500))).mean[0] - shade) < 3
    assert bench.done() == ["x.tif"]


def test_what_is_dropped_later_is_the_next_stack(bench: Bench) -> None:
    lay(bench.paper, "a.png", size=(827, 1169))
    bench.serve()
    assert bench.scanimage("--resolution", "100").returncode == 0
    assert bench.scanimage("--resolution", "100").returncode == 7  # no sheet left
    (bench.paper / "half.png").write_bytes((bench.paper / "done" / "a.png").read_bytes()[:100])
    lay(bench.paper, "a.png", size=(827, 1169))
    assert bench.scanimage("--resolution", "100").returncode == 0
    assert bench.done() == ["a (2).png", "a.png"]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("fault", "exit_code", "pages"),
    [
        ("jam:3", 6, 2),
        ("jam:1", 6, 0),
        ("busy:3", 0, 4),
        pytest.param(
            "busy:11", 3, 0, marks=pytest.mark.long("ten seconds; the same fault reaches the bridge in the test below")
        ),
        ("empty", 7, 0),
        ("cover", 8, 0),
        ("cut:2", 9, 1),
    ],
)
def test_scanimage_sees_each_fault_once_and_then_the_rest(bench: Bench, fault: str, exit_code: int, pages: int) -> None:
    for number in range(4):
        lay(bench.paper, f"{number}.png", size=(827, 1169))
    bench.serve(fault)
    assert bench.scanimage("--resolution", "100").returncode == exit_code
    assert len(bench.done()) == pages
    if pages < 4:
        assert bench.scanimage("--resolution", "100").returncode == 0
    assert len(bench.done()) == 4


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    ("fault", "code", "pages"),
    [("jam:3", "jammed", 2), ("busy:11", "busy", 0), ("empty", "no_docs", 0), ("cover", "cover_open", 0),
     ("cut:2", "io", 1), ("double:2", "io", 1)],
)  # fmt: skip
def test_each_fault_reaches_the_bridge_with_its_advice(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: str, pages: int
) -> None:
    for number in range(4):
        lay(bench.paper, f"{number}.png", size=(827, 1169))
    bench.serve(fault)
    monkeypatch.setenv("SANE_CONFIG_DIR", str(bench.config))
    scanner = SaneScanner({}, stall_timeout_s=30.0)
    request = ScanRequest(DEVICE, "ADF", "gray", 100)
    taken = []
    with closing(scanner), pytest.raises(ScanFault) as caught:
        taken.extend(scanner.scan(request, bench.out, first=1))
    assert (caught.value.code, len(list(bench.out.glob("*.png")))) == (code, pages)
    assert ADVICE[code].fr
    rest = list(scanner.scan(request, bench.out, first=pages + 1))
    scanner.close()
    assert pages + len(rest) == 4


def test_the_bridge_describes_it_and_scans_from_the_site(bench: Bench, tmp_path: Path) -> None:
    double = Double()
    desk = Desk(tmp_path, double.url) if not (tmp_path / "sane").exists() else None
    assert desk is not None
    bench.config = desk.sane
    for number in range(3):
        lay(bench.paper, f"{number}.png")
    bench.serve()
    desk.configure({})
    try:
        desk.start()
        double.site.wait(lambda: bool(double.site.devices))
        described = double.site.devices[0]
        assert (described["name"], described["modes"]) == (DEVICE, ["Color", "Gray"])
        assert described["sources"] == ["Flatbed", "ADF", "ADF Duplex"]
        assert described["resolutions"] == [100, 150, 200, 300, 400, 600]
        double.site.orders.put(order(1, source="adf", dpi=300))
        assert double.site.wait_final(1, 60.0) == (1, "done", 3, None)
        images = [Image.open(io.BytesIO(data)) for data in double.site.images("batch-1")]
        assert [(image.mode, round(image.info["dpi"][0])) for image in images] == [("L", 300)] * 3
    finally:
        desk.stop()
        double.stop()


SETTINGS = b"""<scan:ScanSettings xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03"
 xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm"><pwg:InputSource>Feeder</pwg:InputSource></scan:ScanSettings>"""


def test_odd_requests_get_a_clean_answer(bench: Bench) -> None:
    lay(bench.paper, "a.png", size=(827, 1169))
    server = bench.serve()
    port = int(server.server_address[1])
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'

    def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, http.client.HTTPMessage]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as link:
            link.request(method, path, body, headers)
            answer = link.getresponse()
            answer.read()
            return answer.status, answer.headers

    jobs = "/eSCL/ScanJobs"
    for body in (b"", b"nonsense", b"\xff\xfe\x00", bomb, b"<a/>", SETTINGS.replace(b"Feeder</", b"Feeder<")):
        assert ask("POST", jobs, body)[0] == 400, body
    for old, new in ((b"Feeder", b"Oven"), (b"</scan:", b"<scan:XResolution>7</scan:XResolution></scan:")):
        assert ask("POST", jobs, SETTINGS.replace(old, new))[0] == 409
    assert ask("POST", jobs, SETTINGS.replace(b"</scan:", b"<scan:XResolution>1e9</scan:XResolution></scan:"))[0] == 400
    assert ask("POST", jobs, b"x" * 70_000)[0] == 413
    assert ask("POST", jobs, **{"Transfer-Encoding": "chunked"})[0] == 411
    assert ask("GET", "/eSCL/../../etc/passwd")[0] == 404
    assert ask("GET", f"{jobs}/none/NextDocument")[0] == 404
    assert ask("DELETE", f"{jobs}/none")[0] == 404
    assert ask("GET", jobs)[0] == 405
    assert ask("PUT", jobs, b"x")[0] == 405
    status, headers = ask("POST", jobs, SETTINGS)
    assert status == 201
    assert ask("POST", jobs, SETTINGS)[0] == 503  # one job at a time
    assert ask("DELETE", headers["Location"])[0] == 200
    assert ask("GET", headers["Location"] + "/NextDocument")[0] == 404
    assert ask("POST", jobs, SETTINGS)[0] == 201
    assert bench.done() == []


def test_the_command_serves_until_it_is_stopped_and_writes_the_configuration(bench: Bench, tmp_path: Path) -> None:
    lay(bench.paper, "a.png", size=(827, 1169))
    command = [sys.executable, "-m", "scanner_bridge.agent", "simulate", str(bench.paper)]
    more = ["--sane-config", str(bench.config), "--fault", "empty"]
    process = subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not (bench.config / "airscan.conf").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert bench.scanimage("--resolution", "100").returncode == 7
        assert bench.scanimage("--resolution", "100").returncode == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    wrong = subprocess.run([*command, "--fault", "fire:1"], capture_output=True, text=True, timeout=30, check=False)
    assert wrong.returncode == 2
    assert "fire:1" in wrong.stderr

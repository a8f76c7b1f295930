"""Certificates of every kind, good and bad, and PDFs that pyHanko signs with them, for the tests of validation."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pikepdf
from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pikepdf import Array, Dictionary, Name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers.pdf_cms import CMSSignedAttributes, PdfCMSSignedAttributes
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

NOW = datetime(2026, 3, 3, 10, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    issuer: "Holder | None" = None

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def asn1(self) -> asn1_x509.Certificate:
        """The certificate, as pyHanko takes it."""
        return asn1_x509.Certificate.load(self.certificate.public_bytes(serialization.Encoding.DER))

    @property
    def asn1_key(self) -> asn1_keys.PrivateKeyInfo:
        """The private key, as pyHanko takes it."""
        der = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return asn1_keys.PrivateKeyInfo.load(der)

    @property
    def store(self) -> SimpleCertificateStore:
        """The certificates that a signature contains besides the signer's: the issuer's, if there is one."""
        return SimpleCertificateStore.from_certs([self.issuer.asn1] if self.issuer else [])


def holder(
    name: str,
    issuer: Holder | None = None,
    *,
    authority: bool = False,
    start: datetime = NOW - YEAR,
    end: datetime = NOW + 5 * YEAR,
    usage: str = "content_commitment",
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    rsa_bits: int = 0,
) -> Holder:
    """A certificate with a key usage and extended key usages. ``issuer`` issues it; without issuer it is
    self-signed."""
    key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    known = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    known |= {"key_cert_sign": True, "crl_sign": True} if authority else {usage: True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**known), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if purposes:
        # RFC 3161, 2.3: a time-stamp authority's extended key usage is critical.
        stamps = purposes == (ExtendedKeyUsageOID.TIME_STAMPING,)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=stamps)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, issuer)


def crl(issuer: Holder, revoked: dict[x509.Certificate, datetime], *, at: datetime = NOW) -> bytes:
    """A certificate revocation list, DER."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(at).next_update(at + timedelta(days=30))
    for certificate, since in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(since)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True)
class Ministry:
    """A root certificate, a signer and a time-stamp authority under that root."""

    root: Holder = field(default_factory=lambda: holder("Racine", authority=True))
    signer: Holder = field(init=False)
    stamper: Holder = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signer", holder("AMAVI Kossi", self.root))
        stamping = (ExtendedKeyUsageOID.TIME_STAMPING,)
        # RSA: pyHanko's stamper for tests supports no other key.
        stamper = holder(
            "Horodateur", self.root, usage="digital_signature", purposes=stamping, end=NOW + 20 * YEAR, rsa_bits=2048
        )
        object.__setattr__(self, "stamper", stamper)

    def stamps(self, at: datetime) -> DummyTimeStamper:
        """A stamper whose time-stamps state the time ``at``."""
        return DummyTimeStamper(
            self.stamper.asn1, self.stamper.asn1_key, certs_to_embed=self.stamper.store, fixed_dt=at
        )


def signed(
    pdf: bytes,
    who: Holder,
    *,
    name: str = "signature",
    at: datetime = NOW,
    stamper: DummyTimeStamper | None = None,
    docmdp: MDPPerm | None = None,
    subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES,
    place: SigFieldSpec | None = None,
    edit: Callable[[IncrementalPdfFileWriter], None] | None = None,
) -> bytes:
    """Sign the file by an incremental update.

    Args:
        place: a signature field to make; without it pyHanko uses or makes the field ``name``.
        edit: makes further changes in the update, after the field was added.
    """
    meta = signers.PdfSignatureMetadata(
        field_name=name,
        md_algorithm="sha256",
        subfilter=subfilter,
        certify=docmdp is not None,
        docmdp_permissions=docmdp or MDPPerm.FILL_FORMS,
    )
    signer = signers.SimpleSigner(who.asn1, who.asn1_key, who.store)
    maker = signers.PdfSigner(meta, signer, timestamper=stamper, new_field_spec=place)
    return asyncio.run(_signed(IncrementalPdfFileWriter(BytesIO(pdf), strict=False), maker, at, edit))


async def _signed(
    writer: IncrementalPdfFileWriter,
    maker: signers.PdfSigner,
    at: datetime,
    edit: Callable[[IncrementalPdfFileWriter], None] | None,
) -> bytes:
    session = maker.init_signing_session(writer)
    session.system_time = at  # otherwise pyHanko uses the present time
    document = session.prepare_tbs_document(None, 16_384)
    if edit is not None:
        edit(writer)
    output = BytesIO()
    digest, _ = document.digest_tbs_document(output=output)
    done = await document.perform_signature(digest.document_digest, PdfCMSSignedAttributes(signing_time=at))
    await done.post_signature_processing(output)
    return output.getvalue()


def updated(pdf: bytes, edit: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file with an incremental update that ``edit`` makes."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    edit(writer)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def with_validation_data(
    pdf: bytes,
    certificates: Sequence[Holder] = (),
    crls: Sequence[bytes] = (),
    *,
    stamper: DummyTimeStamper | None = None,
) -> bytes:
    """The file with certificates and CRLs in its security store (DSS), and then a document time-stamp over all of
    it."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    lists = [asn1_crl.CertificateList.load(one) for one in crls]
    DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=[one.asn1 for one in certificates], crls=lists)
    output = BytesIO()
    writer.write(output)
    return output.getvalue() if stamper is None else stamped(output.getvalue(), stamper)


def stamped(pdf: bytes, stamper: DummyTimeStamper, *, field: str | None = None) -> bytes:
    """The file with a document time-stamp, in a new field unless ``field`` names one."""
    output = BytesIO()
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    signers.PdfTimeStamper(stamper, field_name=field).timestamp_pdf(writer, "sha256", output=output)
    return output.getvalue()


def with_empty_field(
    pdf: bytes, name: str = "second", *, box: tuple[int, int, int, int] = (300, 100, 500, 160)
) -> bytes:
    """The file with an empty signature field on its first page; ``box`` in points: left, bottom, right, top."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    append_signature_field(writer, SigFieldSpec(name, box=box))
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def order_pdf(edit: Callable[[pikepdf.Pdf], None] | None = None) -> bytes:
    """A payment order as PDF bytes: two pages, a text field that shows the payee, an image over the amount."""
    pdf = pikepdf.new()
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    overlay = pdf.make_stream(b"1 g 0 0 200 20 re f")
    overlay.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 200, 20])))
    for number in (1, 2):
        pdf.add_blank_page(page_size=(595, 842))
        page = pdf.pages[-1]
        page.Contents = pdf.make_stream(b"BT /F1 12 Tf 50 700 Td (Ordre de paiement, page %d) Tj ET /Ov Do" % number)
        page.Resources = Dictionary(Font=Dictionary(F1=font), XObject=Dictionary(Ov=overlay))
    look = pdf.make_stream(b"/Tx BMC BT /F1 12 Tf 2 4 Td (Pharmacie du Port) Tj ET EMC")
    look.update(
        Dictionary(
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array([0, 0, 200, 20]),
            Resources=Dictionary(Font=Dictionary(F1=font)),
        )
    )
    payee = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T="payee",
            V="Pharmacie du Port",
            F=4,
            Rect=Array([50, 600, 250, 620]),
            DA="/F1 12 Tf",
            AP=Dictionary(N=look),
            P=pdf.pages[0].obj,
        )
    )
    pdf.pages[0].Annots = pdf.make_indirect(Array([payee]))
    pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=Array([payee]), DR=Dictionary(Font=Dictionary(F1=font))))
    if edit is not None:
        edit(pdf)
    output = BytesIO()
    pdf.save(output, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False, static_id=True)
    return output.getvalue()


def _detached(who, content, *, detached=True):
    signer = signers.SimpleSigner(who.asn1, who.asn1_key, who.store)
    made = signer.async_sign_general_data(
        content, "sha256", detached=detached, signed_attr_settings=CMSSignedAttributes(signing_time=NOW)
    )
    return asyncio.run(made).dump()

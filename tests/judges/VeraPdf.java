import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.logging.LogManager;
import org.verapdf.core.ModelParsingException;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Judges each file against the PDF/A flavour that it claims: one JSON line a file, in the order given. */
public final class VeraPdf {
    private static final int MAX_FAILURES = 20;
    private static final int SECONDS_A_FILE = 120;

    public static void main(String[] names) throws Exception {
        LogManager.getLogManager().reset();
        VeraGreenfieldFoundryProvider.initialise();
        for (String name : names) {
            // The library keeps its state per thread: a thread a file, so that none sees the file before it.
            FutureTask<String> verdict = new FutureTask<>(() -> judge(new File(name)));
            Thread thread = new Thread(verdict);
            thread.setDaemon(true);
            thread.start();
            System.out.println(verdict.get(SECONDS_A_FILE, TimeUnit.SECONDS));
        }
    }

    private static String judge(File file) {
        try (PDFAParser parser = Foundries.defaultInstance()
                .createParser(file, PDFAFlavour.NO_FLAVOUR, PDFAFlavour.NO_FLAVOUR, null)) {
            List<PDFAFlavour> claimed = parser.getFlavours();
            PDFAFlavour flavour = claimed.isEmpty() ? PDFAFlavour.NO_FLAVOUR : claimed.get(0);
            if (flavour == PDFAFlavour.NO_FLAVOUR) {
                return line("", false, 0, List.of("no PDF/A flavour is claimed"));
            }
            try (PDFAValidator validator =
                    Foundries.defaultInstance().createValidator(flavour, 100, false, true, false)) {
                ValidationResult result = validator.validate(parser);
                List<String> failures = new ArrayList<>();
                Map<String, String> first = new LinkedHashMap<>();
                for (TestAssertion failed : result.getTestAssertions()) {
                    String rule = failed.getRuleId().getClause() + "-" + failed.getRuleId().getTestNumber();
                    first.putIfAbsent(rule, rule + ": " + failed.getMessage());
                }
                first.values().stream().limit(MAX_FAILURES).forEach(failures::add);
                return line(flavour.getId(), result.isCompliant(), result.getTotalAssertions(), failures);
            }
        } catch (ModelParsingException broken) {
            return line("", false, 0, List.of("cannot be parsed: " + broken.getMessage()));
        } catch (Exception broken) {
            return line("", false, 0, List.of(broken.toString()));
        }
    }

    private static String line(String flavour, boolean compliant, int assertions, List<String> failures) {
        StringBuilder text = new StringBuilder("{\"flavour\":").append(quoted(flavour));
        text.append(",\"compliant\":").append(compliant).append(",\"assertions\":").append(assertions);
        text.append(",\"failures\":[");
        for (int n = 0; n < failures.size(); n++) {
            text.append(n == 0 ? "" : ",").append(quoted(failures.get(n)));
        }
        return text.append("]}").toString();
    }

    private static String quoted(String text) {
        StringBuilder result = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            result.append(c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : c);
        }
        return result.append('"').toString();
    }
}

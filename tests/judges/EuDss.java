import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SubIndication;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Date;

/**
 * Judges the signatures of PDFs: TIME_MS ROOTS (a list with commas) FILE...; a JSON line a signature.
 *
 * The default policy of DSS, but that certificates of a test's authority need no revocation data.
 */
public final class EuDss {
    public static void main(String[] arguments) throws Exception {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (String root : arguments[1].split(",")) {
            trusted.addCertificate(DSSUtils.loadCertificate(new File(root)));
        }
        for (int at = 2; at < arguments.length; at++) {
            judge(arguments[at], new Date(Long.parseLong(arguments[0])), trusted);
        }
    }

    private static InputStream policy() throws IOException {
        try (InputStream own = EuDss.class.getResourceAsStream("/policy/constraint.xml")) {
            String text = new String(own.readAllBytes(), StandardCharsets.UTF_8);
            String lenient = text.replaceAll(
                    "<(RevocationDataAvailable|AcceptableRevocationDataFound)([^>]*)Level=\"[A-Z]+\"",
                    "<$1$2Level=\"IGNORE\"");
            return new ByteArrayInputStream(lenient.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static void judge(String name, Date when, CommonTrustedCertificateSource trusted)
            throws Exception {
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setAIASource(null);
        verifier.setTrustedCertSources(trusted);
        PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(name));
        validator.setCertificateVerifier(verifier);
        validator.setValidationTime(when);
        Reports reports;
        try (InputStream rules = policy()) {
            reports = validator.validateDocument(rules);
        }
        SimpleReport simple = reports.getSimpleReport();
        DiagnosticData facts = reports.getDiagnosticData();
        for (SignatureWrapper one : facts.getSignatures()) {
            Indication indication = simple.getIndication(one.getId());
            SubIndication why = simple.getSubIndication(one.getId());
            System.out.println("{\"file\":\"" + new File(name).getName() + "\",\"field\":\"" + one.getFirstFieldName()
                    + "\",\"indication\":\"" + indication + "\",\"why\":\"" + (why == null ? "" : why)
                    + "\",\"level\":\"" + one.getSignatureFormat() + "\",\"intact\":" + one.isSignatureIntact()
                    + ",\"changed\":" + !one.getPdfUndefinedChanges().isEmpty() + "}");
        }
    }
}

import eu.europa.esig.dss.alert.SilentOnStatusAlert;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.SignatureFieldParameters;
import eu.europa.esig.dss.pades.SignatureImageParameters;
import eu.europa.esig.dss.pades.SignatureImageTextParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.tsp.KeyEntityTSPSource;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.List;

/**
 * Signs PDFs as EU DSS does (with Apache PDFBox): FOLDER TIME_MS STEP...
 *
 * FOLDER holds signer.p12, stamper.p12 (alias and password "x", each with its root) and root.crl. A step is
 * FROM,TO,LEVEL,PAGE,X,Y,WIDTH,HEIGHT (from the page's upper left corner; page 0: no place) for a signature, FROM,TO,LEVEL
 * for data added to the signatures that are there.
 */
public final class EuDssSigner {
    private static final char[] PASSWORD = "x".toCharArray();

    private final File folder;
    private final Date when;
    private final PrivateKey key;
    private final CertificateToken own;
    private final CertificateToken root;
    private final PAdESService service;

    private EuDssSigner(File folder, Date when) throws Exception {
        this.folder = folder;
        this.when = when;
        KeyStore keys = opened("signer.p12");
        key = (PrivateKey) keys.getKey("x", PASSWORD);
        own = new CertificateToken((X509Certificate) keys.getCertificateChain("x")[0]);
        root = new CertificateToken((X509Certificate) keys.getCertificateChain("x")[1]);
        KeyEntityTSPSource stamps = new KeyEntityTSPSource(opened("stamper.p12"), "x", PASSWORD);
        stamps.setTsaPolicy("1.2.3.4");
        stamps.setProductionTime(when);
        service = new PAdESService(verifier());
        service.setTspSource(stamps);
    }

    public static void main(String[] arguments) throws Exception {
        EuDssSigner signer = new EuDssSigner(new File(arguments[0]), new Date(Long.parseLong(arguments[1])));
        for (int at = 2; at < arguments.length; at++) {
            signer.step(arguments[at].split(","));
        }
    }

    private KeyStore opened(String name) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream content = new FileInputStream(new File(folder, name))) {
            store.load(content, PASSWORD);
        }
        return store;
    }

    /** The tests' authority is years away from the clock: what DSS would refuse for that is let through. */
    private CommonCertificateVerifier verifier() {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        trusted.addCertificate(root);
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setAIASource(null);
        verifier.setTrustedCertSources(trusted);
        verifier.setCrlSource(new ExternalResourcesCRLSource(new FileDocument(new File(folder, "root.crl"))));
        verifier.setAlertOnMissingRevocationData(new SilentOnStatusAlert());
        verifier.setAlertOnNoRevocationAfterBestSignatureTime(new SilentOnStatusAlert());
        verifier.setAlertOnUncoveredPOE(new SilentOnStatusAlert());
        verifier.setAlertOnExpiredCertificate(new SilentOnStatusAlert());
        return verifier;
    }

    private void step(String[] words) throws Exception {
        DSSDocument before = new FileDocument(new File(folder, words[0]));
        PAdESSignatureParameters asked = new PAdESSignatureParameters();
        asked.setSignatureLevel(SignatureLevel.valueByName("PAdES-BASELINE-" + words[2]));
        DSSDocument after;
        if (words.length == 3) {
            after = service.extendDocument(before, asked);
        } else {
            after = signed(before, asked, words);
        }
        after.save(new File(folder, words[1]).getPath());
    }

    private DSSDocument signed(DSSDocument before, PAdESSignatureParameters asked, String[] words) throws Exception {
        asked.setDigestAlgorithm(DigestAlgorithm.SHA256);
        asked.setSigningCertificate(own);
        asked.setCertificateChain(List.of(own, root));
        asked.bLevel().setSigningDate(when);
        if (!words[3].equals("0")) {
            asked.setImageParameters(shown(words));
        }
        Signature maker = Signature.getInstance("SHA256withECDSA");
        maker.initSign(key);
        maker.update(service.getDataToSign(before, asked).getBytes());
        return service.signDocument(before, asked, new SignatureValue(SignatureAlgorithm.ECDSA_SHA256, maker.sign()));
    }

    private static SignatureImageParameters shown(String[] words) {
        SignatureFieldParameters place = new SignatureFieldParameters();
        place.setPage(Integer.parseInt(words[3]));
        place.setOriginX(Float.parseFloat(words[4]));
        place.setOriginY(Float.parseFloat(words[5]));
        place.setWidth(Float.parseFloat(words[6]));
        place.setHeight(Float.parseFloat(words[7]));
        SignatureImageTextParameters text = new SignatureImageTextParameters();
        text.setText("Vu et approuv\u00e9");
        SignatureImageParameters shown = new SignatureImageParameters();
        shown.setFieldParameters(place);
        shown.setTextParameters(text);
        return shown;
    }
}

package example.batch;

import java.util.Properties;

/** Uploads the settlement file; the password comes from the keystore. */
public class SftpUploader {

    private static final String PASSWORD_PROPERTY = "sftp.password";
    private static final String TOKEN_HEADER = "Authorization";
    private static final String SECRET_KEY = "T3g3l-Spree-wICwcSKS";
    private static final byte[] SALT = { 0x4a, 0x1f, (byte) 0x9c, 0x27, (byte) 0xe3, 0x58, 0x06, (byte) 0xb1 };
    private static final long serialVersionUID = -7034897190745766939L;

    private final char[] password;

    public SftpUploader(Properties props) {
        this.password = props.getProperty(PASSWORD_PROPERTY).toCharArray();
    }

    void upload(JSch jsch, String file) throws Exception {
        jsch.addIdentity("/etc/batch/id_rsa", System.getenv("SFTP_PASSPHRASE"));
        Session session = jsch.getSession("settle", "sftp.bank.example");
        session.setPassword(new String(password));
        if (password.length == 0) {
            session.setPassword("Kn0blauch_brot");
        }
        session.setConfig("PreferredAuthentications", "publickey,password");
        session.connect();
    }

    String mask(String token) {
        return token == null ? "" : token.substring(0, 3) + "****";
    }

    KeySpec spec(String passphrase) {
        return new PBEKeySpec(passphrase.toCharArray(), SALT, 120_000, 256);
    }
}

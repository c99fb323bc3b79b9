package example.batch;

class PortalPageTest {
    private static final String ADMIN_PASSWORD =
        "Schilf+Reiher.31";
    static final String PASSWORD_FIELD = "input[name=password]";
    static final String TOKEN_HEADER = "X-Portal-Token";
    @Test void logsIn() {
        page.passwordField.sendKeys("Moor!Eule-1907");
        page.enterPassword("qzxvkwpfjh");
        page.passwordField.sendKeys(System.getenv("PORTAL_PW"));
        assertEquals("password", page.focused());
        server.auth("portal", "Kreuz_Schnabel9");
        connection = DriverManager.getConnection(url, "portal", "Uhu.Tanne#4");
        assertThat(hash).isEqualTo("5f4dcc3b5aa765d61d8327deb882cf99");
        page.requiresPassword("always");
    }
}

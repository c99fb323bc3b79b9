package example.batch;

import static org.junit.jupiter.api.Assertions.*;

class LoginTest {

    static final String USER = "junit";
    static final String PASSWORD = "Adlerauge!1985";
    private String token;

    @BeforeEach
    void signIn() {
        token = client.login(USER, PASSWORD).getToken();
        assertNotNull(token);
    }

    @Test
    @WithMockUser(username = "admin", password = "admin", roles = "ADMIN")
    void adminMaySeeSecrets() {
        assertEquals("secret", client.get("/secret", token));
    }

    @Test
    void wrongPassword() {
        assertThrows(BadCredentialsException.class, () -> client.login(USER, "wrongPassword"));
        assertEquals("Bad credentials", client.lastMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = { "pass", "test1234", "pa$$word" })
    void weak(String password) {
        assertFalse(new Policy().accepts(password));
    }
}

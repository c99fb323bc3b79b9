package example.batch;

@Configuration
@EnableWebSecurity
public class SecurityConfig {

    @Value("${app.jwt.secret}")
    private String jwtSecret;

    @Value("${app.remember-me.key:gr4uGans-3bbceeqfiw}")
    private String rememberMeKey;

    @Bean
    UserDetailsService users(PasswordEncoder encoder) {
        UserDetails monitor = User.withUsername("monitor")
            .password(encoder.encode("Storch+Nest.3"))
            .roles("MONITOR").build();
        UserDetails demo = User.withUsername("demo")
            .password("{noop}password")
            .roles("DEMO").build();
        UserDetails ops = User.withUsername("ops")
            .password("{bcrypt}$2y$10$Jh8UM9VycztwrIakoTu1.QIGnZ8O4i7dcXkSuHV7TvLTLDhyY5Jxe")
            .roles("OPS").build();
        return new InMemoryUserDetailsManager(monitor, demo, ops);
    }

    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(f -> f.usernameParameter("login").passwordParameter("passwd"));
        http.logout(l -> l.deleteCookies("JSESSIONID", "remember-token"));
        http.csrf(c -> c.csrfTokenRepository(CookieCsrfTokenRepository.withHttpOnlyFalse()));
        return http.build();
    }
}

package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.http.ManagementGuard.Rejection;
import dev.callboard.http.ManagementGuard.Request;
import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests to the management port are rejected, as a table. A dash is a header that is not there; "or" repeats one. */
final class ManagementGuardTest {
    private static final String PASSWORD = "pass:word-of-16-characters";

    private static ManagementGuard guard(String host, String password, String... allowedHosts) {
        return guard(new Settings.Management(
                host, 9876, List.of(allowedHosts), Optional.ofNullable(password), Optional.empty()));
    }

    private static ManagementGuard guard(Settings.Management settings) {
        return new ManagementGuard(settings, Clock.systemUTC(), new SimpleMeterRegistry());
    }

    @Test
    void admitsTheHostOfThePublicUrl() {
        ManagementGuard guard = guard(new Settings.Management(
                "127.0.0.1",
                9876,
                List.of(),
                Optional.empty(),
                Optional.of(URI.create("https://Callboard.example.com:8443"))));
        Request request =
                new Request(true, "/", List.of("callboard.example.com:8443"), List.of(), List.of(), List.of());
        assertThat(guard.check(request)).isEmpty();
    }

    private static List<String> headers(String cell) {
        return cell == null || cell.equals("-") ? List.of() : Arrays.asList(cell.split(" or ", -1));
    }

    private static String code(Optional<Rejection> rejection) {
        return rejection.map(Rejection::name).orElse("-");
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, -",
        "127.0.0.1:9876, -",
        "127.0.0.1:80, -",
        "127.0.0.1:, -",
        "127.8.0.1:9876, -",
        "localhost, -",
        "LocalHost:9876, -",
        "localhost.:9876, -",
        "[::1], -",
        "[::1]:9876, -",
        "[0:0:0:0:0:0:0:1]:9876, -",
        "[::ffff:127.0.0.1]:9876, -",
        "-, HOST",
        "'', HOST",
        "':9876', HOST",
        "'.', HOST",
        "evil.example, HOST",
        "evil.example:9876, HOST",
        "localhost.evil.example, HOST",
        "evil.localhost, HOST",
        "127.0.0.1.evil.example, HOST",
        "localhost:9876:9876, HOST",
        "localhost:port, HOST",
        "localhost:987654, HOST",
        "localhost@evil.example, HOST",
        "evil@localhost, HOST",
        "localhost/, HOST",
        "'localhost, evil.example', HOST",
        "localhost or evil.example, HOST",
        "localhost or localhost, HOST",
        "localhost.., HOST",
        "::1, HOST",
        "[::1, HOST",
        "[::1%25lo]:9876, HOST",
        "0.0.0.0:9876, HOST",
        "[::]:9876, HOST",
        "192.0.2.1:9876, HOST",
        "2130706433, HOST",
        "0x7f.1, HOST",
        "0177.0.0.1, HOST",
        "127.1, HOST",
        "callboard:9876, HOST"
    })
    void takesTheHostsOfLoopbackOnly(String host, String rejection) {
        assertThat(code(guard("127.0.0.1", null)
                        .check(new Request(true, "/tasks", headers(host), List.of(), List.of(), List.of()))))
                .isEqualTo(rejection);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.5:9876, -",
        "192.0.2.1, -",
        "[2001:db8::1]:9876, -",
        "127.0.0.1:9876, -",
        "localhost:9876, -",
        "Callboard.Internal:8443, -",
        "callboard.internal., -",
        "callboard.default.svc, -",
        "evil.example, HOST",
        "10.0.0.5.evil.example, HOST",
        "internal, HOST",
        "-, HOST"
    })
    void takesAddressesAndItsNamesOffLoopback(String host, String rejection) {
        for (String bound : List.of("0.0.0.0", "callboard.default.svc")) {
            ManagementGuard guard = guard(bound, null, "callboard.internal", "callboard.default.svc");
            assertThat(code(guard.check(new Request(true, "/tasks", headers(host), List.of(), List.of(), List.of()))))
                    .as("bound to %s", bound)
                    .isEqualTo(rejection);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-, /observe/health, -",
        "-, /tasks, -",
        "localhost, /tasks, -",
        "evil.example, /tasks, HOST",
        "localhost, http://localhost:9876/tasks, -",
        "localhost, HTTP://127.0.0.1, -",
        "localhost, http://evil.example/tasks, HOST",
        "-, http://evil.example/tasks, HOST",
        "localhost, https://evil.example?http://localhost/, HOST",
        "localhost, http://localhost@evil.example/, HOST",
        "evil.example, http://localhost/tasks, HOST",
    })
    void needsNoHostInHttp10AndChecksTheOneInTheTarget(String host, String target, String rejection) {
        assertThat(code(guard("127.0.0.1", null)
                        .check(new Request(false, target, headers(host), List.of(), List.of(), List.of()))))
                .isEqualTo(rejection);
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:9876, -, -, -",
        "localhost:9876, -, none, -",
        "localhost:9876, -, same-origin, -",
        "localhost:9876, http://localhost:9876, same-origin, -",
        "LOCALHOST.:9876, http://localhost:9876, -, -",
        "localhost, http://localhost, -, -",
        "localhost:80, http://localhost, -, -",
        "localhost, https://localhost, -, -",
        "localhost:443, https://localhost, -, -",
        "localhost, https://localhost:443, -, -",
        "localhost:9876, http://localhost:9877, -, ORIGIN",
        "localhost:9876, http://127.0.0.1:9876, -, ORIGIN",
        "localhost:9876, http://localhost, -, ORIGIN",
        "localhost:443, http://localhost, -, ORIGIN",
        "localhost:9876, http://evil.example, -, ORIGIN",
        "localhost:9876, https://localhost:9876.evil.example, -, ORIGIN",
        "localhost:9876, http://localhost:9876/, -, ORIGIN",
        "localhost:9876, null, -, ORIGIN",
        "localhost:9876, '', -, ORIGIN",
        "localhost:9876, localhost:9876, -, ORIGIN",
        "localhost:9876, file://, -, ORIGIN",
        "localhost:9876, chrome-extension://localhost:9876, -, ORIGIN",
        "localhost:9876, http://localhost:9876 or http://evil.example, -, ORIGIN",
        "localhost:9876, -, same-site, FETCH_SITE",
        "localhost:9876, -, cross-site, FETCH_SITE",
        "localhost:9876, -, '', FETCH_SITE",
        "localhost:9876, -, None, FETCH_SITE",
        "localhost:9876, -, none or cross-site, FETCH_SITE",
        "localhost:9876, -, 'none, cross-site', FETCH_SITE",
        "localhost:9876, http://localhost:9876, cross-site, FETCH_SITE",
        "evil.example, http://evil.example, same-origin, HOST",
        "-, http://localhost, -, ORIGIN"
    })
    void rejectsWhatAPageOfAnotherSiteSends(String host, String origin, String fetchSite, String rejection) {
        boolean http10 = host.equals("-");
        assertThat(code(guard("127.0.0.1", null)
                        .check(new Request(
                                !http10, "/tasks", headers(host), headers(origin), headers(fetchSite), List.of()))))
                .isEqualTo(rejection);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ops:" + PASSWORD, ":" + PASSWORD})
    void takesThePasswordOfAnyUser(String login) {
        assertThat(withLogin("Basic " + base64(login))).isEqualTo("-");
        assertThat(withLogin("basic  " + base64(login))).isEqualTo("-");
        assertThat(withLogin("Bearer " + base64(login))).isEqualTo("PASSWORD");
        assertThat(withLogin("Basic " + base64(login) + " or Basic " + base64(login)))
                .isEqualTo("PASSWORD");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "ops",
                "ops:",
                "ops:pass",
                "ops:" + PASSWORD + "x",
                "ops:x" + PASSWORD,
                "pass:word",
                "word-of-16-characters"
            })
    void rejectsAWrongPassword(String login) {
        assertThat(withLogin("Basic " + base64(login))).isEqualTo("PASSWORD");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-", "Basic", "Basic =", "Basic a", "Basic !!!!", "Basic Zm9v Zm9v"})
    void rejectsAMissingOrMalformedLogin(String authorization) {
        assertThat(withLogin(authorization)).isEqualTo("PASSWORD");
    }

    private static String base64(String login) {
        return Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
    }

    private static String withLogin(String authorization) {
        return code(guard("0.0.0.0", PASSWORD)
                .check(new Request(true, "/tasks", List.of("10.0.0.5"), List.of(), List.of(), headers(authorization))));
    }
}

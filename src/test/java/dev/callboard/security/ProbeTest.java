package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A GET on a callback path: what a person tries before a provider calls. */
class ProbeTest {
    private static final String TOKEN = "0123456789-0123456789_0123456789";

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.trial", "false",
                        "callboard.fotor.allowed-sources", "any",
                        "callboard.fotor.token", TOKEN,
                        "callboard.trusted-proxies", "127.0.0.1"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    private static String ask(String method, String target, String... headers) {
        try (RawHttp http = new RawHttp(callboard.port)) {
            String lines = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
            return http.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + lines + "\r\n")
                    .read();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Accept: */*",
                "Content-Type: application/json",
                "Content-Type: application/json\r\nContent-Length: 0"
            })
    void answersThatThisCallerWouldBeLetIn(String header) {
        try (Logged log = new Logged()) {
            String answer = ask("GET", "/callbacks/fotor?token=" + TOKEN, "X-Forwarded-For: 203.0.113.7", header);
            assertThat(RawHttp.status(answer)).isEqualTo(204);
            assertThat(answer).endsWith("\r\n\r\n").doesNotContain(TOKEN, "203.0.113.7", "0\r\n\r\n");
            assertThat(log.lines())
                    .containsExactly("INFO would let in a caller of fotor: 203.0.113.7 through the proxy 127.0.0.1");
        }
        callboard.assertNothingKept();
    }

    @Test
    void answersThatThisCallerWouldBeRefused() {
        try (Logged log = new Logged()) {
            String answer = ask("GET", "/callbacks/fotor?token=wrong", "X-Forwarded-For: 203.0.113.8");
            assertThat(RawHttp.status(answer)).isEqualTo(403);
            assertThat(answer).endsWith("\r\n\r\n");
            assertThat(log.lines())
                    .containsExactly("WARN refused a caller of fotor: 203.0.113.8 through the proxy 127.0.0.1 has a"
                            + " wrong token in its URL (callboard.fotor.token)");
        }
        callboard.assertNothingKept();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"})
    void answersOtherMethods405(String method) {
        assertThat(RawHttp.status(ask(method, "/callbacks/fotor?token=" + TOKEN, "X-Forwarded-For: 203.0.113.7")))
                .isEqualTo(405);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Accept: */*",
                "Content-Type: text/plain",
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Type: text/plain, application/json",
                "Content-Type:"
            })
    void answersACallbackOfAnotherOrNoType415(String header) {
        String request =
                RawHttp.post("/callbacks/fotor?token=" + TOKEN, RawHttp.JSON, "X-Forwarded-For: 203.0.113.7", header);
        try (Logged log = new Logged()) {
            assertThat(RawHttp.status(callboard.port, "127.0.0.1", request)).isEqualTo(415);
            assertThat(log.lines()).isEmpty();
        }
        callboard.assertNothingKept();
    }

    @Test
    void isNotMistakenForACallbackByAParameterOrAHeader() {
        String post = RawHttp.postJson(
                "/callbacks/fotor?token=" + TOKEN + "&CamelHttpMethod=GET&method=GET",
                "X-Forwarded-For: 203.0.113.7",
                "CamelHttpMethod: GET",
                "X-HTTP-Method-Override: GET");
        assertThat(RawHttp.status(callboard.port, "127.0.0.1", post)).isEqualTo(200);
        callboard.forgetCallbacks();
    }

    @Test
    void answersAnUnknownPath404() {
        assertThat(RawHttp.status(ask("GET", "/callbacks/nobody"))).isEqualTo(404);
        assertThat(RawHttp.status(ask("GET", "/tasks"))).isEqualTo(404);
        assertThat(RawHttp.status(ask("GET", "/observe/metrics"))).isEqualTo(404);
    }
}

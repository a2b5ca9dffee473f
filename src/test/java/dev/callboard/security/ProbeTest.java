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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A GET on a callback path, which answers whether a callback from the same client would be admitted. */
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

    private static String request(String method, String target, String... headers) {
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
    void answers204ToACallerWhoWouldBeAdmitted(String header) {
        try (Logged log = new Logged()) {
            String answer = request("GET", "/callbacks/fotor?token=" + TOKEN, "X-Forwarded-For: 203.0.113.7", header);
            assertThat(RawHttp.status(answer)).isEqualTo(204);
            assertThat(answer).endsWith("\r\n\r\n").doesNotContain(TOKEN, "203.0.113.7", "0\r\n\r\n");
            assertThat(log.lines())
                    .containsExactly("INFO admitted probe provider=fotor client=203.0.113.7 proxies=127.0.0.1"
                            + " (a callback would be admitted too)");
        }
        callboard.assertNothingKept();
    }

    @ParameterizedTest
    @CsvSource({
        "ref,    ref=order-1._~,                204, order-1._~",
        "ref,    ref=,                          400,",
        "ref,    ref=order%231,                 400,",
        "ref,    ref=a%20b,                     400,",
        "ref,    ref=%C3%A4,                    400,",
        "ref,    ref=%00,                       400,",
        "ref,    ref=a&ref=b,                   400,",
        "family, family=lipsyncs_v2,            204, lipsyncs_v2",
        "family, family=,                       400,",
        "family, family=Lipsyncs,               400,",
        "family, family=lip-syncs,              400,",
        "family, family=%0a,                    400,",
        "family, family=aurora&family=aurora,   400,",
        "family, family=a23456789_123456789_123456789_123456789_123456789_, 204, a23456789_123456789_123456789_123456789_123456789_",
        "family, family=a23456789_123456789_123456789_123456789_123456789_1, 400,",
    })
    void saysThatAParameterWouldBeDroppedAndRecordsACallbackWithoutIt(
            String parameter, String query, int status, String recorded) {
        String target = "/callbacks/fotor?token=" + TOKEN + "&" + query;
        String dropped = "dropped " + parameter;
        try (Logged log = new Logged()) {
            String answer = request("GET", target, "X-Forwarded-For: 203.0.113.7");
            assertThat(RawHttp.status(answer)).isEqualTo(status);
            callboard.assertNothingKept();
            String post = RawHttp.postJson(target, "X-Forwarded-For: 203.0.113.7");
            assertThat(RawHttp.status(callboard.port, "127.0.0.1", post)).isEqualTo(200);
            if (status == 400) {
                assertThat(answer)
                        .contains("application/problem+json", parameter + " is expected once, as 1 to ")
                        .doesNotContain(TOKEN);
                assertThat(log.lines(dropped))
                        .satisfiesExactly(
                                line -> assertThat(line)
                                        .startsWith(
                                                "WARN " + dropped + " provider=fotor client=203.0.113.7 method=GET (")
                                        .doesNotContain(TOKEN),
                                line -> assertThat(line).contains(" method=POST "));
            } else {
                assertThat(log.lines(dropped)).isEmpty();
            }
        }
        String column = parameter.equals("ref") ? "business_id" : "family";
        assertThat(callboard.rows("SELECT " + column + " FROM task WHERE outcome <> 'expected'"))
                .singleElement()
                .satisfies(row -> assertThat(row.get(column)).isEqualTo(recorded));
        callboard.forgetCallbacks();
    }

    @Test
    void tellsAStrangerNothingAboutARef() {
        String answer = request("GET", "/callbacks/fotor?token=wrong&ref=order%231", "X-Forwarded-For: 203.0.113.9");
        assertThat(RawHttp.status(answer)).isEqualTo(403);
        assertThat(answer).endsWith("\r\n\r\n");
    }

    @Test
    void answers403ToACallerWhoWouldBeRejected() {
        try (Logged log = new Logged()) {
            String answer = request("GET", "/callbacks/fotor?token=wrong", "X-Forwarded-For: 203.0.113.8");
            assertThat(RawHttp.status(answer)).isEqualTo(403);
            assertThat(answer).endsWith("\r\n\r\n");
            assertThat(log.lines())
                    .containsExactly("WARN rejected caller provider=fotor client=203.0.113.8 proxies=127.0.0.1"
                            + " reason=token (the URL has a wrong token; it must have callboard.fotor.token)");
        }
        callboard.assertNothingKept();
    }

    @ParameterizedTest
    @ValueSource(strings = {"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"})
    void answersOtherMethodsWith405(String method) {
        assertThat(RawHttp.status(request(method, "/callbacks/fotor?token=" + TOKEN, "X-Forwarded-For: 203.0.113.7")))
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
    void answersACallbackOfAnotherOrNoTypeWith415(String header) {
        String request =
                RawHttp.post("/callbacks/fotor?token=" + TOKEN, RawHttp.JSON, "X-Forwarded-For: 203.0.113.7", header);
        assertThat(RawHttp.status(callboard.port, "127.0.0.1", request)).isEqualTo(415);
        callboard.assertNothingKept();
    }

    @Test
    void readsTheMethodFromTheRequestLineOnly() {
        String post = RawHttp.postJson(
                "/callbacks/fotor?token=" + TOKEN + "&CamelHttpMethod=GET&method=GET",
                "X-Forwarded-For: 203.0.113.7",
                "CamelHttpMethod: GET",
                "X-HTTP-Method-Override: GET");
        assertThat(RawHttp.status(callboard.port, "127.0.0.1", post)).isEqualTo(200);
        callboard.forgetCallbacks();
    }

    @Test
    void answersAnUnknownPathWith404() {
        assertThat(RawHttp.status(request("GET", "/callbacks/unknown"))).isEqualTo(404);
        assertThat(RawHttp.status(request("GET", "/tasks"))).isEqualTo(404);
        assertThat(RawHttp.status(request("GET", "/observe/metrics"))).isEqualTo(404);
    }
}

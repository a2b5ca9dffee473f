package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.ReverseProxy;
import dev.callboard.testkit.TestCallboard;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Callbacks through a real proxy on the same machine. The provider calls from 127.0.0.9, an unknown client from
 * 127.0.0.8, and each proxy forwards from 127.0.0.1.
 */
class ReverseProxyTest {
    private static final String PROVIDER = "127.0.0.9";
    private static final String UNKNOWN = "127.0.0.8";
    private static final String FORGED = "X-Forwarded-For: " + PROVIDER;

    private static TestCallboard callboard;
    private static TestCallboard withoutProxies;
    private static TestCallboard allowingTheProxy;

    @BeforeAll
    static void start() {
        callboard = start(PROVIDER, "127.0.0.1");
        withoutProxies = start(PROVIDER, "");
        allowingTheProxy = start("127.0.0.1", "");
    }

    private static TestCallboard start(String allowed, String proxies) {
        return TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.trial", "false",
                        "callboard.fotor.allowed-sources", allowed,
                        "callboard.trusted-proxies", proxies));
    }

    @AfterEach
    void forgetCallbacks() {
        callboard.forgetCallbacks();
    }

    @AfterAll
    static void stop() {
        callboard.close();
        withoutProxies.close();
        allowingTheProxy.close();
    }

    private static int post(TestCallboard to, ReverseProxy.Mode mode, String from, String target, String... headers) {
        try (ReverseProxy proxy = new ReverseProxy(to.port, mode)) {
            return RawHttp.status(proxy.port(), from, RawHttp.postJson(target, headers));
        }
    }

    private static int post(ReverseProxy.Mode mode, String from, String... headers) {
        return post(callboard, mode, from, "/callbacks/fotor", headers);
    }

    @Test
    void admitsTheProviderThroughATrustedProxy() {
        assertThat(post(ReverseProxy.Mode.APPENDS_TO_HEADER, PROVIDER)).isEqualTo(200);
        assertThat(callboard.rows("SELECT client_address FROM callback"))
                .isEqualTo(List.of(Map.of("client_address", PROVIDER)));
    }

    @Test
    void ignoresWhatTheClientItselfSentInXForwardedFor() {
        assertThat(post(ReverseProxy.Mode.APPENDS_TO_HEADER, PROVIDER, "X-Forwarded-For: junk, 1.2.3.4"))
                .isEqualTo(200);
        assertThat(callboard.rows("SELECT client_address FROM callback"))
                .isEqualTo(List.of(Map.of("client_address", PROVIDER)));
    }

    @Test
    void admitsTheProviderThroughTwoTrustedProxies() {
        try (ReverseProxy inner = new ReverseProxy(callboard.port, ReverseProxy.Mode.ADDS_A_HEADER);
                ReverseProxy outer = new ReverseProxy(inner.port(), ReverseProxy.Mode.APPENDS_TO_HEADER)) {
            assertThat(RawHttp.status(outer.port(), PROVIDER, RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(200);
            assertThat(RawHttp.status(outer.port(), UNKNOWN, RawHttp.postJson("/callbacks/fotor", FORGED)))
                    .isEqualTo(403);
        }
    }

    @Test
    void rejectsAForgedForwardingHeader() {
        try (Logged log = new Logged()) {
            assertThat(post(ReverseProxy.Mode.APPENDS_TO_HEADER, UNKNOWN, FORGED))
                    .isEqualTo(403);
            assertThat(post(ReverseProxy.Mode.ADDS_A_HEADER, UNKNOWN, FORGED)).isEqualTo(403);
            assertThat(log.lines("rejected caller")).isNotEmpty().allSatisfy(line -> assertThat(line)
                    .contains("client=127.0.0.8 proxies=127.0.0.1 reason=address (add it to"
                            + " callboard.fotor.allowed-sources if it is Fotor's)")
                    .doesNotContain("callboard.trusted-proxies"));
        }
        callboard.assertNothingKept();
    }

    @Test
    void rejectsATrustedProxyWithoutXForwardedFor() {
        assertThat(post(ReverseProxy.Mode.ADDS_NO_HEADER, PROVIDER)).isEqualTo(403);
        assertThat(post(
                        callboard,
                        ReverseProxy.Mode.ADDS_NO_HEADER,
                        UNKNOWN,
                        "/callbacks/fotor?X-Forwarded-For=" + PROVIDER))
                .isEqualTo(403);
        assertThat(post(
                        callboard,
                        ReverseProxy.Mode.APPENDS_TO_HEADER,
                        UNKNOWN,
                        "/callbacks/fotor?X-Forwarded-For=" + PROVIDER + "&x-forwarded-for=" + PROVIDER))
                .isEqualTo(403);
        callboard.assertNothingKept();
    }

    @Test
    void ignoresXForwardedForInAForm() {
        try (ReverseProxy proxy = new ReverseProxy(callboard.port, ReverseProxy.Mode.APPENDS_TO_HEADER)) {
            String form = RawHttp.post(
                    "/callbacks/fotor",
                    "X-Forwarded-For=" + PROVIDER,
                    "Content-Type: application/x-www-form-urlencoded");
            assertThat(RawHttp.status(proxy.port(), UNKNOWN, form)).isEqualTo(403);
            assertThat(RawHttp.status(proxy.port(), PROVIDER, form)).isEqualTo(415);
        }
        callboard.assertNothingKept();
    }

    @Test
    void rejectsAnUntrustedProxy() {
        try (Logged log = new Logged()) {
            assertThat(post(allowingTheProxy, ReverseProxy.Mode.APPENDS_TO_HEADER, UNKNOWN, "/callbacks/fotor"))
                    .isEqualTo(403);
            assertThat(log.lines("rejected caller"))
                    .singleElement()
                    .asString()
                    .contains("reason=untrusted_proxy", "sent the header X-Forwarded-For", "callboard.trusted-proxies");
        }
        allowingTheProxy.assertNothingKept();
    }

    @Test
    void rejectsAProxyWithoutHeadersSinceLoopbackIsInNoAllowList() {
        assertThat(post(withoutProxies, ReverseProxy.Mode.ADDS_NO_HEADER, UNKNOWN, "/callbacks/fotor"))
                .isEqualTo(403);
        withoutProxies.assertNothingKept();
    }

    @Test
    void rejectsAnUnknownClientWhoCallsDirectly() {
        assertThat(RawHttp.status(callboard.port, UNKNOWN, RawHttp.postJson("/callbacks/fotor", FORGED)))
                .isEqualTo(403);
        callboard.assertNothingKept();
        assertThat(RawHttp.status(callboard.port, PROVIDER, RawHttp.postJson("/callbacks/fotor")))
                .isEqualTo(200);
    }
}

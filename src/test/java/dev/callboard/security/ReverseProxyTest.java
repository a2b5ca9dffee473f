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
 * Callbacks through a real proxy on the same machine. The provider calls from 127.0.0.9, a stranger from 127.0.0.8, and
 * each proxy passes on from 127.0.0.1.
 */
class ReverseProxyTest {
    private static final String PROVIDER = "127.0.0.9";
    private static final String STRANGER = "127.0.0.8";
    private static final String FORGED = "X-Forwarded-For: " + PROVIDER;

    private static TestCallboard callboard;
    private static TestCallboard withoutProxies;
    private static TestCallboard lettingTheProxyIn;

    @BeforeAll
    static void start() {
        callboard = start(PROVIDER, "127.0.0.1");
        withoutProxies = start(PROVIDER, "");
        lettingTheProxyIn = start("127.0.0.1", "");
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
        lettingTheProxyIn.close();
    }

    private static int post(TestCallboard to, ReverseProxy.Says says, String from, String target, String... headers) {
        try (ReverseProxy proxy = new ReverseProxy(to.port, says)) {
            return RawHttp.status(proxy.port(), from, RawHttp.postJson(target, headers));
        }
    }

    private static int post(ReverseProxy.Says says, String from, String... headers) {
        return post(callboard, says, from, "/callbacks/fotor", headers);
    }

    @Test
    void takesTheProvidersCallThroughATrustedProxy() {
        assertThat(post(ReverseProxy.Says.APPENDS, PROVIDER)).isEqualTo(200);
        assertThat(callboard.rows("SELECT client_address FROM callback"))
                .isEqualTo(List.of(Map.of("client_address", PROVIDER)));
    }

    @Test
    void takesTheProvidersCallWhateverItSaysItself() {
        assertThat(post(ReverseProxy.Says.APPENDS, PROVIDER, "X-Forwarded-For: junk, 1.2.3.4"))
                .isEqualTo(200);
        assertThat(callboard.rows("SELECT client_address FROM callback"))
                .isEqualTo(List.of(Map.of("client_address", PROVIDER)));
    }

    @Test
    void takesTheProvidersCallThroughTwoTrustedProxies() {
        try (ReverseProxy inner = new ReverseProxy(callboard.port, ReverseProxy.Says.ADDS_A_LINE);
                ReverseProxy outer = new ReverseProxy(inner.port(), ReverseProxy.Says.APPENDS)) {
            assertThat(RawHttp.status(outer.port(), PROVIDER, RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(200);
            assertThat(RawHttp.status(outer.port(), STRANGER, RawHttp.postJson("/callbacks/fotor", FORGED)))
                    .isEqualTo(403);
        }
    }

    @Test
    void refusesAForgedForwardingHeader() {
        try (Logged log = new Logged()) {
            assertThat(post(ReverseProxy.Says.APPENDS, STRANGER, FORGED)).isEqualTo(403);
            assertThat(post(ReverseProxy.Says.ADDS_A_LINE, STRANGER, FORGED)).isEqualTo(403);
            assertThat(log.lines("refused")).allSatisfy(line -> assertThat(line)
                    .contains("127.0.0.8 through the proxy 127.0.0.1 is not in callboard.fotor.allowed-sources")
                    .doesNotContain("callboard.trusted-proxies"));
        }
        callboard.assertNothingKept();
    }

    @Test
    void refusesATrustedProxyThatDoesNotSayForWhomItSpeaks() {
        assertThat(post(ReverseProxy.Says.NOTHING, PROVIDER)).isEqualTo(403);
        assertThat(post(callboard, ReverseProxy.Says.NOTHING, STRANGER, "/callbacks/fotor?X-Forwarded-For=" + PROVIDER))
                .isEqualTo(403);
        assertThat(post(
                        callboard,
                        ReverseProxy.Says.APPENDS,
                        STRANGER,
                        "/callbacks/fotor?X-Forwarded-For=" + PROVIDER + "&x-forwarded-for=" + PROVIDER))
                .isEqualTo(403);
        callboard.assertNothingKept();
    }

    @Test
    void refusesAFormThatSaysWhoIsCalling() {
        try (ReverseProxy proxy = new ReverseProxy(callboard.port, ReverseProxy.Says.APPENDS)) {
            String form = RawHttp.post(
                    "/callbacks/fotor",
                    "X-Forwarded-For=" + PROVIDER,
                    "Content-Type: application/x-www-form-urlencoded");
            assertThat(RawHttp.status(proxy.port(), STRANGER, form)).isEqualTo(415);
        }
        callboard.assertNothingKept();
    }

    @Test
    void refusesAProxyThatNobodyHasNamed() {
        try (Logged log = new Logged()) {
            assertThat(post(lettingTheProxyIn, ReverseProxy.Says.APPENDS, STRANGER, "/callbacks/fotor"))
                    .isEqualTo(403);
            assertThat(log.lines("refused"))
                    .singleElement()
                    .asString()
                    .contains("sent the header X-Forwarded-For", "callboard.trusted-proxies");
        }
        lettingTheProxyIn.assertNothingKept();
    }

    @Test
    void refusesASilentProxySinceLoopbackIsInNoAllowList() {
        assertThat(post(withoutProxies, ReverseProxy.Says.NOTHING, STRANGER, "/callbacks/fotor"))
                .isEqualTo(403);
        withoutProxies.assertNothingKept();
    }

    @Test
    void refusesACallPastTheProxy() {
        assertThat(RawHttp.status(callboard.port, STRANGER, RawHttp.postJson("/callbacks/fotor", FORGED)))
                .isEqualTo(403);
        callboard.assertNothingKept();
        assertThat(RawHttp.status(callboard.port, PROVIDER, RawHttp.postJson("/callbacks/fotor")))
                .isEqualTo(200);
    }
}

package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What is answered without a route, behind a trusted proxy: strangers cost the provider nothing, and nothing of the
 * provider vanishes silently. The proxy connects from 127.0.0.1.
 */
@Timeout(120)
final class PublicServerTest {
    private static final int MAX_CONNECTIONS = 600;
    private static final String PROVIDER = "X-Forwarded-For: 203.0.113.9";
    private static final String STRANGER = "X-Forwarded-For: 198.51.100.7";

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.trial", "false",
                        "callboard.fotor.allowed-sources", "203.0.113.9",
                        "callboard.trusted-proxies", "127.0.0.1",
                        "callboard.max-body-bytes", "2000",
                        "callboard.http.max-connections", String.valueOf(MAX_CONNECTIONS),
                        "callboard.http.max-in-flight", "64"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @BeforeEach
    void forgetCallbacks() {
        callboard.forgetCallbacks();
    }

    private static int status(String request) {
        return RawHttp.status(callboard.port, "127.0.0.1", request);
    }

    private static String callback(int i, String client) {
        return RawHttp.post(
                        "/callbacks/fotor",
                        "{\"taskId\":\"t-" + i + "\",\"status\":0}",
                        "Content-Type: application/json",
                        client)
                .replace("Connection: close\r\n", "");
    }

    /** Sends callbacks over one connection; returns how many were answered 200. */
    private static int post(int from, int count) {
        int recorded = 0;
        try (RawHttp http = new RawHttp(callboard.port)) {
            for (int i = from; i < from + count; i++) {
                String head = http.send(callback(i, PROVIDER)).readHead();
                if (RawHttp.status(head) == 200) {
                    recorded++;
                }
            }
        }
        return recorded;
    }

    @Test
    void losesNoCallbackToStrangersThroughTheSameProxy() throws Exception {
        int callers = 8;
        int callbacks = 25;
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService threads = Executors.newFixedThreadPool(2 * callers);
        try {
            List<Future<Integer>> strangers = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                strangers.add(threads.submit(() -> knock(done, 50)));
            }
            List<Future<Integer>> recorded = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                int from = i * callbacks;
                recorded.add(threads.submit(() -> post(from, callbacks)));
            }
            for (Future<Integer> count : recorded) {
                assertThat(count.get()).isEqualTo(callbacks);
            }
            done.set(true);
            for (Future<Integer> count : strangers) {
                assertThat(count.get()).isPositive();
            }
        } finally {
            done.set(true);
            threads.shutdownNow();
        }
        assertThat(callboard.count("task")).isEqualTo(callers * callbacks);
    }

    /** Sends callbacks of strangers, as many at a time; returns how many were answered 403. */
    private static int knock(AtomicBoolean done, int atATime) {
        int rejected = 0;
        while (!done.get()) {
            List<RawHttp> open = new ArrayList<>();
            for (int i = 0; i < atATime; i++) {
                open.add(new RawHttp(callboard.port).send(callback(i, STRANGER)));
            }
            for (RawHttp http : open) {
                if (RawHttp.status(http.readHead()) == 403) {
                    rejected++;
                }
                http.close();
            }
        }
        return rejected;
    }

    @Test
    void letsStrangersHoldAQuarterOfTheConnectionsOfAProxyOnly() {
        List<RawHttp> held = new ArrayList<>();
        try {
            for (int i = 0; i < MAX_CONNECTIONS + 50; i++) {
                String body = i % 2 == 0 ? "Content-Length: 100\r\n\r\n{" : "Transfer-Encoding: chunked\r\n\r\n";
                String path = i % 3 == 0 ? "/nothing" : "/callbacks/fotor";
                RawHttp http = new RawHttp(callboard.port)
                        .send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + STRANGER
                                + "\r\n" + body);
                held.add(http);
                assertThat(RawHttp.status(http.readHead())).isEqualTo(i % 3 == 0 ? 404 : 403);
            }
            assertThat(post(0, 5)).isEqualTo(5);
            assertThat(openConnections()).isBetween(1.0, MAX_CONNECTIONS / 4.0 + 1);
        } finally {
            held.forEach(RawHttp::close);
        }
        Awaitility.await().until(() -> openConnections() == 0);
        // The places are free again.
        try (RawHttp http = new RawHttp(callboard.port)) {
            assertThat(http.send(callback(0, STRANGER)).readHead())
                    .startsWith("HTTP/1.1 403")
                    .doesNotContainIgnoringCase("connection: close");
            // And so is that of a connection whose next request is admitted.
            assertThat(http.send(callback(6, PROVIDER)).readHead()).startsWith("HTTP/1.1 200");
        }
    }

    private static double openConnections() {
        return callboard.metric("callboard_http_connections");
    }

    @Test
    void logsAndMailsWhatOfAnAdmittedCallerReachesNoRoute() throws Exception {
        int quarantined = callboard.count("quarantine");
        String type = "Content-Type: text/plain\u202e<b>x</b>";
        String large = "{\"taskId\":\"large\",\"status\":0,\"x\":\"" + "x".repeat(2000) + "\"}";
        try (Logged log = new Logged()) {
            for (int i = 0; i < 20; i++) {
                assertThat(status(RawHttp.post("/callbacks/fotor", RawHttp.JSON, PROVIDER, type)))
                        .isEqualTo(415);
                assertThat(status(RawHttp.post("/callbacks/fotor", RawHttp.JSON, PROVIDER)))
                        .isEqualTo(415);
            }
            assertThat(status(RawHttp.post("/callbacks/fotor", large, PROVIDER, "Content-Type: application/json")))
                    .isEqualTo(413);
            assertThat(status(RawHttp.postJson("/callbacks/fotor?ref=%zz", PROVIDER)))
                    .isEqualTo(400);
            assertThat(status(RawHttp.postJson("/callbacks/fotor", PROVIDER, "Expect: a-miracle")))
                    .isEqualTo(417);
            String client = "WARN invalid request provider=fotor client=203.0.113.9 proxies=127.0.0.1 status=";
            String lost = "; nothing is stored, and the callback may be lost)";
            assertThat(log.lines())
                    .hasSize(4)
                    .first()
                    .asString()
                    .startsWith(client + "415 (the Content-Type is 'text/plain")
                    .endsWith("', not application/json" + lost);
            assertThat(log.lines().subList(1, 4))
                    .containsExactly(
                            client + "413 (the body is longer than callboard.max-body-bytes=2000" + lost,
                            client + "400 (the URL is malformed" + lost,
                            client + "417 (an Expect other than 100-continue" + lost);
        }
        // A stranger's are no news of the provider.
        assertThat(status(RawHttp.post("/callbacks/fotor", RawHttp.JSON, STRANGER, type)))
                .isEqualTo(403);
        assertThat(callboard.count("alert")).isZero();

        for (int minute = 0; minute < 3; minute++) {
            callboard.run("report-rejections");
            assertThat(status(RawHttp.post("/callbacks/fotor", RawHttp.JSON, PROVIDER, type)))
                    .isEqualTo(415);
        }

        assertThat(callboard.rows("SELECT detail FROM alert WHERE kind = 'malformed'"))
                .hasSizeBetween(1, 2)
                .first()
                .satisfies(row -> assertThat(row.get("detail"))
                        .isEqualTo("203.0.113.9: 43 times, answered 417: an Expect other than 100-continue"));
        MimeMessage mail = Awaitility.await()
                .until(() -> callboard.mailNamed("invalid callback"), found -> found.isPresent())
                .orElseThrow();
        assertThat(TestMails.text(mail)).contains("203.0.113.9: 43 times, answered 417");
        assertThat(callboard.count("callback")).isZero();
        assertThat(callboard.count("quarantine")).isEqualTo(quarantined);
    }

    @Test
    void quarantinesAnEmptyBody() {
        int before = callboard.count("quarantine");
        assertThat(status(RawHttp.post("/callbacks/fotor", "", PROVIDER, "Content-Type: application/json")))
                .isEqualTo(400);
        assertThat(status("POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + PROVIDER
                        + "\r\nContent-Type: application/json\r\n\r\n"))
                .isEqualTo(400);
        assertThat(callboard.count("quarantine")).isEqualTo(before + 2);
        assertThat(callboard.rows("SELECT 1 FROM alert WHERE kind = 'malformed'"))
                .hasSize(1);
        assertThat(callboard.count("task")).isZero();
    }

    @Test
    void doesNotStartWithACallbackPathForWhichItCannotDecideWhoIsAdmitted() {
        String routes = TestCallboard.editedRoutes(
                "receive-callback", text -> text.replace("/callbacks/{{provider}}", "/hooks/{{provider}}"));
        assertThatThrownBy(() -> TestCallboard.start(Backend.H2, Map.of("callboard.routes", routes))
                        .close())
                .isInstanceOf(StartException.class)
                .hasMessageContaining("a route opens the path /hooks/")
                .hasMessageContaining("callbacks are received at /callbacks/<provider> only");
    }
}

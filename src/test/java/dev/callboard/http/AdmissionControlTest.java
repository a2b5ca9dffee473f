package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.security.Rejections;
import dev.callboard.security.SourceCheck;
import dev.callboard.security.Tokens;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.RouteController;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limits of the public port: connections, timeouts, the length of a request, and requests in flight. */
@Timeout(60)
class AdmissionControlTest {
    private static final String HEAD =
            "POST /callbacks/fotor HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

    private static TestCallboard callboard;

    /** With low limits and short timeouts. */
    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.fotor.allowed-sources", "127.0.0.1",
                        "callboard.trial", "false",
                        "callboard.max-body-bytes", "2000",
                        "callboard.http.max-connections", "40",
                        "callboard.http.header-timeout", "1s",
                        "callboard.http.body-timeout", "1500ms",
                        "callboard.http.idle-timeout", "2s"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    private static int post() {
        return RawHttp.status(callboard.port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor"));
    }

    private static double metric(String line) {
        return callboard.metric(line);
    }

    @Test
    void closesAConnectionThatSendsNoHeadersInTime() {
        long before = System.nanoTime();
        try (RawHttp silent = new RawHttp(callboard.port);
                RawHttp half = new RawHttp(callboard.port)) {
            half.send("POST /callbacks/fotor HTTP/1.1\r\nHost:");
            assertThat(post()).isEqualTo(200);
            assertThat(silent.read()).isEmpty();
            assertThat(half.read()).isEmpty();
        }
        assertThat(Duration.ofNanos(System.nanoTime() - before))
                .isBetween(Duration.ofMillis(900), Duration.ofSeconds(10));
        assertThat(metric("callboard_http_connections_closed_total{reason=\"headers\"}"))
                .isPositive();
    }

    @Test
    void closesAConnectionThatSendsItsHeadersByteByByte() {
        assertThat(drip(new RawHttp(callboard.port), HEAD + "X-Long: " + "x".repeat(100)))
                .isEmpty();
        assertThat(post()).isEqualTo(200);
    }

    @Test
    void answersALateBodyWith408() {
        try (Logged log = new Logged();
                RawHttp half = new RawHttp(callboard.port);
                RawHttp chunked = new RawHttp(callboard.port)) {
            half.send(HEAD + "Content-Length: 100\r\n\r\n{\"taskId\"");
            chunked.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tas\r\n");
            assertThat(post()).isEqualTo(200);
            assertThat(half.status()).isEqualTo(408);
            assertThat(chunked.status()).isEqualTo(408);
            assertThat(log.lines()).hasSizeLessThanOrEqualTo(1).allMatch(line -> line.contains("status=408"));
        }
        assertThat(callboard.rows("SELECT * FROM task WHERE task_id <> 't1'")).isEmpty();
    }

    @Test
    void answersABodySentByteByByteWith408() {
        RawHttp http = new RawHttp(callboard.port).send(HEAD + "Content-Length: 1000\r\n\r\n");
        assertThat(RawHttp.status(drip(http, "x".repeat(500)))).isEqualTo(408);
    }

    /** Sends one byte each 50 ms until the server answers or closes the connection. */
    private static String drip(RawHttp http, String text) {
        try (http) {
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(http::read);
            for (int i = 0; i < text.length() && !answer.isDone(); i++) {
                http.send(text.substring(i, i + 1));
                await(answer);
            }
            return answer.join();
        } catch (UncheckedIOException e) {
            // Closed during a write.
            return "";
        }
    }

    private static void await(CompletableFuture<String> answer) {
        try {
            answer.get(50, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            // Not answered yet.
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void closesAnIdleConnection() {
        try (RawHttp http = new RawHttp(callboard.port)) {
            String request = RawHttp.postJson("/callbacks/fotor").replace("Connection: close\r\n", "");
            assertThat(RawHttp.status(http.send(request).readHead())).isEqualTo(200);
            // Longer than the header timeout, which is for the first request only.
            Awaitility.await().pollDelay(Duration.ofMillis(1300)).until(() -> true);
            assertThat(RawHttp.status(http.send(request).readHead())).isEqualTo(200);
            long before = System.nanoTime();
            assertThat(http.read()).isEmpty();
            assertThat(Duration.ofNanos(System.nanoTime() - before))
                    .isBetween(Duration.ofMillis(1500), Duration.ofSeconds(10));
        }
        assertThat(metric("callboard_http_connections_closed_total{reason=\"idle\"}"))
                .isPositive();
    }

    @Test
    void answersPipelinedRequests() {
        try (RawHttp http = new RawHttp(callboard.port)) {
            String kept = RawHttp.postJson("/callbacks/fotor").replace("Connection: close\r\n", "");
            String answers = http.send(kept + kept + RawHttp.postJson("/callbacks/fotor"))
                    .read();
            assertThat(answers.split("HTTP/1.1 200", -1)).hasSize(4);
        }
    }

    @Test
    void closesTheNewestConnectionBeyondTheLimit() {
        List<RawHttp> held = new ArrayList<>();
        try (Logged log = new Logged()) {
            for (int i = 0; i < 40; i++) {
                held.add(new RawHttp(callboard.port).send(HEAD));
            }
            Awaitility.await().until(() -> metric("callboard_http_connections") == 40);
            try (RawHttp one = new RawHttp(callboard.port)) {
                assertThat(one.read()).isEmpty();
            }
            assertThat(log.lines()).isEmpty();
        } finally {
            held.forEach(RawHttp::close);
        }
        Awaitility.await().until(() -> metric("callboard_http_connections") == 0);
        assertThat(metric("callboard_http_connections_closed_total{reason=\"too_many\"}"))
                .isPositive();
        assertThat(post()).isEqualTo(200);
    }

    @Test
    void reservesConnectionsForKnownClients() {
        List<RawHttp> held = new ArrayList<>();
        try {
            for (int i = 0; i < 60; i++) {
                held.add(new RawHttp(callboard.port, "127.0.0.8"));
            }
            Awaitility.await().until(() -> metric("callboard_http_connections") == 10);
            assertThat(post()).isEqualTo(200);
        } finally {
            held.forEach(RawHttp::close);
        }
    }

    @Test
    void rejectsAnUnknownClientWithoutReadingItsBody() {
        try (RawHttp unknown = new RawHttp(callboard.port, "127.0.0.8")) {
            unknown.send(HEAD + "Content-Length: 1900\r\nExpect: 100-continue\r\n\r\n");
            assertThat(unknown.readHead()).startsWith("HTTP/1.1 403");
            // The body that does not follow has the body timeout.
            assertThat(unknown.read()).isEmpty();
        }
    }

    @Test
    void keepsAConnectionWhoseBodyArrivesAfterTheAnswerForTheIdleTimeout() {
        try (RawHttp unknown = new RawHttp(callboard.port, "127.0.0.8")) {
            unknown.send(HEAD + "Content-Length: 5\r\n\r\n");
            assertThat(unknown.readHead()).startsWith("HTTP/1.1 403");
            unknown.send("12345");
            long before = System.nanoTime();
            assertThat(unknown.read()).isEmpty();
            // Longer than the body timeout.
            assertThat(Duration.ofNanos(System.nanoTime() - before))
                    .isBetween(Duration.ofMillis(1800), Duration.ofSeconds(10));
        }
    }

    @Test
    void answersABodyOverTheLimitWith413() {
        try (Logged log = new Logged()) {
            String large = "{\"taskId\":\"large\",\"status\":0,\"x\":\"" + "x".repeat(2000) + "\"}";
            assertThat(RawHttp.status(
                            callboard.port,
                            "127.0.0.1",
                            RawHttp.post("/callbacks/fotor", large, "Content-Type: application/json")))
                    .isEqualTo(413);
            try (RawHttp declared = new RawHttp(callboard.port)) {
                assertThat(declared.send(HEAD + "Content-Length: 999999999999\r\n\r\n")
                                .readHead())
                        .startsWith("HTTP/1.1 413");
            }
            try (RawHttp chunked = new RawHttp(callboard.port)) {
                chunked.send(HEAD + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
                for (int i = 0; i < 3; i++) {
                    chunked.send("3e8\r\n" + "x".repeat(1000) + "\r\n");
                }
                assertThat(chunked.readHead()).startsWith("HTTP/1.1 413");
            }
            assertThat(log.lines())
                    .containsExactly(
                            "WARN invalid request provider=fotor client=127.0.0.1 status=413 (the body is longer"
                                    + " than callboard.max-body-bytes=2000; nothing is stored, and the callback may be lost)");
        }
        assertThat(callboard.rows("SELECT * FROM callback WHERE task_id = 'large'"))
                .isEmpty();
        assertThat(metric("callboard_http_responses_total{status=\"413\"}")).isPositive();
    }

    @Test
    void answersALongHeaderAndALongUrlWithoutARoute() {
        try (RawHttp http = new RawHttp(callboard.port)) {
            assertThat(http.send(HEAD + "X-Long: " + "x".repeat(9000) + "\r\n\r\n")
                            .readHead())
                    .containsPattern("^HTTP/1.1 (400|431)");
        }
        try (RawHttp http = new RawHttp(callboard.port)) {
            assertThat(http.send("GET /" + "x".repeat(5000) + " HTTP/1.1\r\nHost: x\r\n\r\n")
                            .readHead())
                    .containsPattern("^HTTP/1.. 414");
        }
        try (RawHttp http = new RawHttp(callboard.port)) {
            assertThat(http.send("what is this\r\n\r\n").readHead()).containsPattern("^(HTTP/1.. 4..|$)");
        }
    }

    @Test
    void ignoresAnUpgradeToHttp2() {
        try (RawHttp http = new RawHttp(callboard.port)) {
            http.send(RawHttp.postJson("/callbacks/fotor", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"));
            assertThat(http.read()).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void answers503WhileTheRoutesAreStarting() throws Exception {
        Properties properties = new Properties();
        properties.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        SourceCheck sourceCheck =
                new SourceCheck(settings, new Tokens(settings), new Rejections(Clock.systemUTC(), meters));
        Vertx vertx = Vertx.vertx();
        try (PublicServer server = new PublicServer(new DefaultCamelContext(), vertx, settings, sourceCheck, meters)) {
            server.start();
            int port = settings.http().port();
            try (RawHttp http = new RawHttp(port)) {
                assertThat(http.send(RawHttp.postJson("/callbacks/fotor")).read())
                        .startsWith("HTTP/1.1 503")
                        .containsIgnoringCase("retry-after: 5");
            }
            assertThat(meters.counter("callboard.http.unavailable", "reason", "starting")
                            .count())
                    .isEqualTo(1);
            server.open();
            assertThat(RawHttp.status(port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(403);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    /** The routes of this project, in which the router of Fotor takes its time. */
    private static String slowRoutes() {
        String begin = "        name: fotor\n      steps:\n";
        String delay = "        - delay: { expression: { constant: { expression: \"2500\" } } }\n";
        return TestCallboard.editedRoutes("fotor", text -> text.replace(begin, begin + delay));
    }

    @Test
    void answers503AtOnceIfTooManyRequestsAreInFlight() throws Exception {
        try (Logged log = new Logged();
                // A body timeout is not for the route, which takes longer.
                TestCallboard slow = TestCallboard.start(
                        Backend.H2,
                        Map.of(
                                "callboard.http.max-in-flight", "3",
                                "callboard.http.body-timeout", "2s",
                                "callboard.routes", slowRoutes()))) {
            // A request whose body is incomplete is not in flight.
            List<RawHttp> half = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                half.add(new RawHttp(slow.port).send(HEAD + "Content-Length: 10\r\n\r\n"));
            }
            List<RawHttp> held = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                held.add(new RawHttp(slow.port).send(RawHttp.postJson("/callbacks/fotor")));
            }
            // A request in the route stays in flight if its client closes the connection.
            held.remove(0).close();
            Awaitility.await()
                    .until(() -> slow.manage("/observe/metrics").body().contains("callboard_http_in_flight 3.0"));
            long before = System.nanoTime();
            for (int i = 0; i < 2; i++) {
                try (RawHttp one = new RawHttp(slow.port)) {
                    assertThat(one.send(RawHttp.postJson("/callbacks/fotor")).read())
                            .startsWith("HTTP/1.1 503")
                            .containsIgnoringCase("retry-after: 5");
                }
            }
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(1));
            // A caller that is not admitted needs no place.
            assertThat(RawHttp.status(
                            slow.port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor", "X-Forwarded-For: 192.0.2.1")))
                    .isEqualTo(403);
            for (RawHttp http : held) {
                assertThat(http.status()).isEqualTo(200);
            }
            Awaitility.await()
                    .until(() -> slow.manage("/observe/metrics").body().contains("callboard_http_in_flight 0.0"));
            assertThat(RawHttp.status(slow.port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(200);
            half.forEach(RawHttp::close);
            assertThat(slow.manage("/observe/metrics").body())
                    .contains("callboard_http_unavailable_total{reason=\"in_flight\"} 2.0");
            assertThat(log.lines("answered 503"))
                    .containsExactly("WARN answered 503 reason=in_flight (3 requests are in flight; raise"
                            + " callboard.http.max-in-flight if this happens often; the provider may not send a"
                            + " callback again)");
        }
    }

    @Test
    void countsNoRequestInFlightThatFailsBeforeItsRoute() {
        for (int i = 0; i < 20; i++) {
            RawHttp.status(callboard.port, "127.0.0.1", RawHttp.postJson("/callbacks/fotor?x=%zz"));
            RawHttp.status(callboard.port, "127.0.0.8", RawHttp.postJson("/callbacks/fotor"));
            RawHttp.status(callboard.port, "127.0.0.1", RawHttp.postJson("/callbacks/unknown"));
        }
        Awaitility.await().untilAsserted(() -> assertThat(metric("callboard_http_in_flight"))
                .isZero());
    }

    @Test
    void countsNoRequestInFlightThatASuspendedRouteDeclines() throws Exception {
        RouteController routes = callboard.callboard().camel().getRouteController();
        routes.suspendRoute("receive-fotor");
        try {
            assertThat(post()).isEqualTo(503);
            assertThat(post()).isEqualTo(503);
        } finally {
            routes.resumeRoute("receive-fotor");
        }
        assertThat(metric("callboard_http_in_flight")).isZero();
        assertThat(post()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "-1", "+1", "1,2", "1 2", "99999999999999999999"})
    void answersAnInvalidContentLengthWith400(String length) {
        try (RawHttp http = new RawHttp(callboard.port)) {
            assertThat(http.send(HEAD + "Content-Length: " + length + "\r\n\r\n{}")
                            .readHead())
                    .containsPattern("^HTTP/1.. 400");
        }
    }

    /** A server with memory for one body of 2,000 bytes, which answers 200 to what it has read. */
    @Test
    void answers503IfTheBodiesThatHaveArrivedTakeTooMuchMemory() {
        Properties properties = new Properties();
        properties.put("callboard.max-body-bytes", "2000");
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        Vertx vertx = Vertx.vertx();
        List<RawHttp> half = new ArrayList<>();
        try {
            AdmissionControl admission =
                    new AdmissionControl(vertx, settings, 1, peer -> true, Clock.systemUTC(), meters);
            Router router = Router.router(vertx);
            router.post().handler(admission::readBody).handler(RoutingContext::end);
            int port = vertx.createHttpServer()
                    .requestHandler(router)
                    .listen(0, "127.0.0.1")
                    .toCompletionStage()
                    .toCompletableFuture()
                    .join()
                    .actualPort();
            // What is announced, or may follow, takes no memory.
            for (int i = 0; i < 10; i++) {
                half.add(new RawHttp(port).send(HEAD + "Content-Length: 2000\r\n\r\n0123456789"));
                half.add(new RawHttp(port).send(HEAD + "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n"));
            }
            awaitStatus(port, 1800, 200);

            half.add(new RawHttp(port).send(HEAD + "Content-Length: 1900\r\n\r\n" + "x".repeat(1700)));
            awaitStatus(port, 101, 503);
            assertThat(RawHttp.status(port, "127.0.0.1", RawHttp.post("/", "x".repeat(50))))
                    .isEqualTo(200);
            try (RawHttp chunked = new RawHttp(port).send(HEAD + "Transfer-Encoding: chunked\r\n\r\n32\r\n")) {
                chunked.send("x".repeat(50) + "\r\n");
                assertThat(chunked.send("64\r\n" + "x".repeat(100) + "\r\n").readHead())
                        .startsWith("HTTP/1.1 503")
                        .containsIgnoringCase("retry-after: 5")
                        .containsIgnoringCase("connection: close");
                // What it had sent takes no memory from when it was answered, though its connection is open.
                awaitStatus(port, 99, 200);
            }
            assertThat(meters.counter("callboard.http.unavailable", "reason", "memory")
                            .count())
                    .isGreaterThanOrEqualTo(2);

            // A body that is too long, is broken or whose connection is closed gives its memory back.
            for (int i = 0; i < 20; i++) {
                half.add(new RawHttp(port)
                        .send(HEAD + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + "x".repeat(100) + "\r\nbroken\r\n"));
            }
            half.forEach(RawHttp::close);
            awaitStatus(port, 2000, 200);
            try (RawHttp tooLong = new RawHttp(port)) {
                tooLong.send(HEAD + "Transfer-Encoding: chunked\r\n\r\n7d1\r\n" + "x".repeat(2001));
                assertThat(tooLong.readHead()).startsWith("HTTP/1.1 413");
                awaitStatus(port, 2000, 200);
            }
        } finally {
            half.forEach(RawHttp::close);
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    private static void awaitStatus(int port, int length, int status) {
        Awaitility.await().untilAsserted(() -> assertThat(
                        RawHttp.status(port, "127.0.0.1", RawHttp.post("/", "x".repeat(length))))
                .isEqualTo(status));
    }
}

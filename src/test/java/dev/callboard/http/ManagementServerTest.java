package dev.callboard.http;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.HostileMailServer.Stage;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The management port over real sockets: who may use it, and how many requests it takes at a time. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ManagementServerTest {
    private static final String PASSWORD = "a-password-of-16-characters";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static HostileMailServer mailServer;
    private static TestCallboard callboard;

    @BeforeAll
    static void start() throws IOException {
        mailServer = new HostileMailServer(Certificates.TRUSTED);
        callboard = TestCallboard.start(Backend.H2, mailServer.settings());
    }

    @AfterAll
    static void stop() throws IOException {
        callboard.close();
        mailServer.close();
    }

    @AfterEach
    void behave() {
        mailServer.behave();
    }

    // ---- who ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /tasks",
                "GET /tasks/fotor/1",
                "GET /quarantine",
                "GET /mails",
                "POST /mails/test",
                "POST /backup",
                "GET /observe/info",
                "POST /quarantine/replay",
                "GET /observe/health",
                "GET /observe/health/live",
                "GET /observe/health/ready",
                "GET /observe/metrics",
                "OPTIONS /mails/test",
                "HEAD /tasks",
                "GET /no-such-path",
                "GET //tasks"
            })
    void answers403ToAPageOfAnotherSiteOnEachPath(String request) {
        long mails = testMailsReceived();
        assertThat(status(request, "Host: evil.example")).as("DNS rebinding").isEqualTo(403);
        assertThat(status(request, "Host: localhost", "Origin: http://evil.example"))
                .isEqualTo(403);
        assertThat(status(request, "Host: localhost", "Sec-Fetch-Site: cross-site"))
                .isEqualTo(403);
        assertThat(testMailsReceived()).isEqualTo(mails);
    }

    @ParameterizedTest
    @CsvSource({
        "GET /tasks HTTP/1.1, Host: LOCALHOST.:1, 200",
        "GET /tasks HTTP/1.1, Host: [::1]:9876, 200",
        "GET /tasks HTTP/1.1, Host: 127.0.0.1 or Origin: null, 403",
        "GET /tasks HTTP/1.1, Host: 127.0.0.1 or Sec-Fetch-Site: none, 200",
        "GET /tasks HTTP/1.1, Host: 127.0.0.1 or Sec-Fetch-Site: same-origin, 200",
        "GET /tasks HTTP/1.1, Host: 127.0.0.1 or Sec-Fetch-Site: same-site, 403",
        "GET http://evil.example/tasks HTTP/1.1, Host: 127.0.0.1, 403",
        "GET http://127.0.0.1/tasks HTTP/1.1, Host: 127.0.0.1, 200",
        "GET http://127.0.0.1/tasks HTTP/1.1, Host: evil.example, 403",
        "GET /observe/health HTTP/1.0, X: y, 200",
        "GET /tasks HTTP/1.0, Host: evil.example, 403"
    })
    void checksTheHostAndTheOrigin(String line, String headers, int status) {
        String request = line + "\r\n" + headers.replace(" or ", "\r\n") + "\r\nConnection: close\r\n\r\n";
        assertThat(statusOf(callboard.managementPort, request)).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"X: y", "Host:", "Host: localhost\r\nHost: evil.example"})
    void answersNothingToARequestWithoutOneHost(String headers) {
        assertThat(statusOf(
                        callboard.managementPort,
                        "GET /tasks HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n"))
                .isIn(400, 403);
    }

    @Test
    void takesWhatCurlAndPrometheusSend() {
        for (HttpClient.Version version : HttpClient.Version.values()) {
            for (String host : List.of("127.0.0.1", "localhost")) {
                assertThat(TestCallboard.send(HttpRequest.newBuilder(URI.create(
                                                "http://" + host + ":" + callboard.managementPort + "/observe/metrics"))
                                        .version(version)
                                        .build())
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"evil.example, 403", "localhost, 200"})
    void checksTheAuthorityOfHttp2(String host, int status) throws Exception {
        Vertx vertx = Vertx.vertx();
        try {
            HttpClientOptions options = new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(false);
            RequestOptions request = new RequestOptions()
                    .setServer(SocketAddress.inetSocketAddress(callboard.managementPort, "127.0.0.1"))
                    .setHost(host)
                    .setPort(callboard.managementPort)
                    .setURI("/tasks");
            assertThat(vertx.createHttpClient(options)
                            .request(request)
                            .compose(HttpClientRequest::send)
                            .map(HttpClientResponse::statusCode)
                            .toCompletionStage()
                            .toCompletableFuture()
                            .get(30, TimeUnit.SECONDS))
                    .isEqualTo(status);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    @Test
    void logsOneLineAMinuteAndCountsEachRejection() {
        try (Logged log = new Logged()) {
            double before = rejected("origin");
            for (int i = 0; i < 5; i++) {
                status("GET /mails", "Host: localhost", "Origin: http://evil.example");
            }
            assertThat(rejected("origin")).isEqualTo(before + 5);
            assertThat(log.lines("rejected management request")).hasSizeLessThan(2);
        }
    }

    private static double rejected(String reason) {
        return callboard.metric("callboard_management_rejected_total{reason=\"" + reason + "\"}");
    }

    @Test
    void needsThePasswordOffLoopback() throws Exception {
        Map<String, String> settings = Map.of(
                "callboard.management.host", "0.0.0.0",
                "callboard.management.password", PASSWORD,
                "callboard.management.allowed-hosts", "callboard.internal");
        try (Logged log = new Logged();
                TestCallboard open = TestCallboard.start(Backend.H2, settings)) {
            String login = "Authorization: Basic "
                    + Base64.getEncoder().encodeToString(("ops:" + PASSWORD).getBytes(StandardCharsets.UTF_8));
            String wrong = "Authorization: Basic "
                    + Base64.getEncoder().encodeToString("ops:guessed".getBytes(StandardCharsets.UTF_8));
            for (String path : List.of("/tasks", "/observe/health", "/observe/metrics", "/no-such-path")) {
                String answer = answer(open.managementPort, "GET " + path, "Host: 10.0.0.5:9876");
                assertThat(RawHttp.status(answer)).isEqualTo(401);
                assertThat(answer).containsIgnoringCase("www-authenticate: Basic realm=\"callboard\"");
                assertThat(RawHttp.status(answer(open.managementPort, "GET " + path, "Host: 10.0.0.5", wrong)))
                        .isEqualTo(401);
            }
            for (String host : List.of("10.0.0.5:9876", "callboard.internal", "localhost")) {
                assertThat(RawHttp.status(answer(open.managementPort, "GET /tasks", "Host: " + host, login)))
                        .isEqualTo(200);
            }
            assertThat(RawHttp.status(answer(open.managementPort, "GET /tasks", "Host: evil.example", login)))
                    .isEqualTo(403);
            assertThat(log.lines("rejected management request"))
                    .singleElement()
                    .asString()
                    .contains("reason=password client=127.0.0.1 host=\"10.0.0.5:9876\"");
            assertThat(log.lines()).noneMatch(line -> line.contains(PASSWORD) || line.contains("guessed"));
        }
    }

    // ---- how many ----

    @Test
    void sendsOneTestMailAtATime() throws Exception {
        mailServer.misbehave(Stage.GREETING, HostileMailServer.SILENCE);
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < 70; i++) {
            answers.add(testMail());
        }
        soon().until(() -> answers.stream().filter(CompletableFuture::isDone).count() == 69);
        assertThat(answers.stream().filter(CompletableFuture::isDone).map(CompletableFuture::join))
                .allSatisfy(answer -> {
                    assertThat(answer.statusCode()).isEqualTo(409);
                    assertThat(answer.body()).isEqualTo("A test mail is being sent; try again when it is done.\n");
                });
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"while-it-hangs\", \"status\": 1}")
                        .statusCode())
                .isEqualTo(200);
        assertThat(callboard.manage("/observe/health").statusCode()).isEqualTo(200);
        assertThat(callboard.manage("/tasks").statusCode()).isEqualTo(200);

        mailServer.behave();
        mailServer.hangUp();
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).join();
        assertThat(testMail().join().statusCode()).as("after a failure").isEqualTo(200);
        assertThat(testMail().join().statusCode()).as("after a success").isEqualTo(200);
    }

    /** Test mails only: a mail about an alert comes when its turn is. */
    private static long testMailsReceived() {
        return mailServer.received().stream()
                .filter(received -> TestMails.text(received.mail()).contains("This is a test mail"))
                .count();
    }

    private static CompletableFuture<HttpResponse<String>> testMail() {
        return HTTP.sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + "/mails/test"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static int status(String request, String... headers) {
        return RawHttp.status(answer(callboard.managementPort, request, headers));
    }

    private static String answer(int port, String request, String... headers) {
        try (RawHttp http = new RawHttp(port)) {
            return http.send(request + " HTTP/1.1\r\n" + String.join("\r\n", headers) + "\r\nConnection: close\r\n\r\n")
                    .read();
        }
    }

    private static int statusOf(int port, String request) {
        try (RawHttp http = new RawHttp(port)) {
            // An answer to HTTP/1.0 may say HTTP/1.0.
            return RawHttp.status(http.send(request).read().replaceFirst("^HTTP/1.0", "HTTP/1.1"));
        }
    }
}

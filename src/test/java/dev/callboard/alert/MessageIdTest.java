package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.HostileMailServer.Stage;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import dev.callboard.testkit.Waiting;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Callboard as a process of its own, which is killed. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MessageIdTest {
    private static ConditionFactory soon() {
        return Waiting.soon().ignoreExceptions();
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void sendsTheSameMailAgainIfItIsKilledBeforeItCouldMarkIt(Backend backend) throws Exception {
        Path folder = Files.createTempDirectory("callboard");
        try (HostileMailServer server = new HostileMailServer(Certificates.TRUSTED)) {
            Map<String, String> settings = new HashMap<>(backend.newDatabase(folder));
            settings.putAll(server.settings());
            settings.put("callboard.trial", "true");
            settings.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
            settings.put("callboard.management.port", String.valueOf(TestCallboard.freePort()));
            settings.put("javax.net.ssl.trustStore", Certificates.TRUSTED.file.toString());
            settings.put("javax.net.ssl.trustStorePassword", Certificates.PASSWORD);

            Process first = start(settings);
            try {
                // The next mail is then handed over sooner than H2 writes by itself.
                soon().until(() -> get(settings, "/mails/test", "POST").contains("went to"));
                server.received().clear();
                // The server has the mail, and its answer never comes.
                server.misbehave(Stage.END_OF_DATA, HostileMailServer.SILENCE);
                soon().until(() -> post(settings) == 200);
                // At once, before anything reaches the disk by itself.
                soon().pollInterval(Duration.ofMillis(2))
                        .until(() -> server.received().size() == 1);
            } finally {
                first.destroyForcibly().waitFor();
            }

            server.behave();
            Process second = start(settings);
            try {
                if (backend == Backend.POSTGRESQL) {
                    expireLease(settings);
                }
                soon().until(() -> server.received().size() == 2);
                soon().until(() -> get(settings, "/mails", "GET").contains("\"takenFor\":\"ops@localhost\""));
            } finally {
                second.destroyForcibly().waitFor();
            }
            assertThat(server.received().get(1).id())
                    .isEqualTo(server.received().get(0).id());
            assertThat(TestMails.text(server.received().get(1).mail()))
                    .isEqualTo(TestMails.text(server.received().get(0).mail()));
        }
    }

    /** The lease of the killed process lasts two minutes from its last renewal: it might be another node that is alive. */
    private static void expireLease(Map<String, String> settings) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                        settings.get("callboard.database.url"),
                        settings.get("callboard.database.user"),
                        settings.get("callboard.database.password"));
                Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE mail SET leased_until = CURRENT_TIMESTAMP - INTERVAL '1' SECOND"
                            + " WHERE leased_until > CURRENT_TIMESTAMP + INTERVAL '1' MINUTE"))
                    .isEqualTo(1);
        }
    }

    private static Process start(Map<String, String> settings) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        settings.forEach((key, value) -> command.add("-D" + key + "=" + value));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.callboard.Callboard"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(new File(settings.get("javax.net.ssl.trustStore") + ".log")))
                .start();
    }

    private static int post(Map<String, String> settings) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + settings.get("callboard.http.port") + "/callbacks/fotor"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(TestCallboard.payload("fotor-video-failed")))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private static String get(Map<String, String> settings, String path, String method)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + settings.get("callboard.management.port") + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofString())
                .body();
    }
}

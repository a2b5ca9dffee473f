package dev.callboard.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.db.Database;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.SimulatedCreatify;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.WebhookReceiver;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code callboard check} and {@code callboard test-mail}: one line for each thing, and nothing is changed. */
final class CheckTest {
    private static final String SECRET = "a-wrong-key-0123456789";

    private final Commands commands = new Commands();
    private final Map<String, String> given = new LinkedHashMap<>();
    private Path folder;

    @BeforeEach
    void choosePorts() throws IOException {
        folder = TestCallboard.newFolder();
        given.putAll(Backend.H2.newDatabase(folder));
        given.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
        given.put("callboard.management.port", String.valueOf(TestCallboard.freePort()));
        given.put("callboard.mail.directory", folder.resolve("mail").toString());
    }

    private boolean check() {
        return new Check(commands.out).run(() -> Commands.settings(given));
    }

    @Test
    void findsNothingWrongWithTheDefaults() {
        assertThat(check()).as(commands.output()).isTrue();
        assertThat(commands.output().lines())
                .hasSize(7)
                .allMatch(line -> line.startsWith("ok "))
                .anyMatch(line ->
                        line.contains("routes    file:routes/*.camel.yaml, with the schemas of creatify, fotor"))
                .anyMatch(line -> line.contains("whose tables the next start creates"));
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void namesTheSettingThatIsWrong() {
        given.put("callboard.fotor.token", "short");
        assertThat(check()).isFalse();
        assertThat(commands.output())
                .startsWith("FAILED  settings  callboard.fotor.token: ")
                .hasLineCount(1);
    }

    @Test
    void namesARouteFileThatIsWrongAndAPortInUse() throws IOException {
        given.put(
                "callboard.routes",
                TestCallboard.editedRoutes("fotor", text -> text.replace("record-task", "record-tusk")));
        try (ServerSocket taken = new ServerSocket(Integer.parseInt(given.get("callboard.http.port")))) {
            assertThat(check()).isFalse();
            assertThat(commands.output())
                    .containsPattern(
                            "FAILED +ports +callboard.http.port: can't listen on 127.0.0.1:" + taken.getLocalPort())
                    .containsPattern("FAILED +routes +.*fotor.camel.yaml: the route fotor calls direct:record-tusk")
                    .containsPattern("ok +database ");
        }
    }

    @Test
    void asksTheProvidersWhetherTheyAcceptTheKeys() {
        try (SimulatedFotor fotor = new SimulatedFotor();
                SimulatedCreatify creatify = new SimulatedCreatify()) {
            given.put("callboard.fotor.api-url", fotor.url());
            given.put("callboard.fotor.api-key", SimulatedFotor.KEY);
            given.put("callboard.creatify.api-url", creatify.url());
            given.put("callboard.creatify.api-id", SimulatedCreatify.API_ID);
            given.put("callboard.creatify.api-key", SECRET);
            assertThat(check()).isFalse();
            assertThat(commands.output())
                    .containsPattern("ok +fotor +the API accepts callboard.fotor.api-key")
                    .containsPattern("FAILED +creatify +the API rejects callboard.creatify.api-key \\(HTTP 401\\)")
                    .doesNotContain(SECRET);
            assertThat(fotor.requests().total()).isEqualTo(1);
            assertThat(creatify.requests().total()).isEqualTo(1);
            given.put("callboard.creatify.api-key", SimulatedCreatify.API_KEY);
            assertThat(check()).as(commands.output()).isTrue();
        }
        assertThat(check()).as("no API answers").isFalse();
        assertThat(commands.output()).containsPattern("FAILED +fotor +the API does not answer: ");
    }

    @Test
    void logsInAtTheMailServerAndSendsNothing() throws Exception {
        try (HostileMailServer server = new HostileMailServer(Certificates.TRUSTED)) {
            given.putAll(server.settings());
            assertThat(check()).as(commands.output()).isTrue();
            given.put("callboard.mail.password", SECRET);
            assertThat(check()).isFalse();
            assertThat(commands.output())
                    .containsPattern("ok +mails +localhost:" + server.port() + ", starttls\n")
                    .containsPattern("FAILED +mails +localhost:.*: the mail server rejected the login")
                    .doesNotContain(SECRET);
            assertThat(server.received()).isEmpty();
        }
    }

    @Test
    void sendsATestMail() throws Exception {
        TestMailCommand.run(Commands.settings(given), commands.out);
        assertThat(commands.output()).startsWith("The test mail for ops@localhost went to files in ");
        try (var files = Files.list(folder.resolve("mail"))) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void sendsATestMessageToTheChatAlone() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver()) {
            given.put("callboard.alerts.to", "webhook");
            given.put("callboard.alerts.webhook.url", chat.url());
            given.put("callboard.alerts.webhook.format", "json");
            check();
            assertThat(commands.output()).containsPattern("ok +mails +none; chat at \\S+, json");
            TestMailCommand.run(Commands.settings(given), commands.out);

            assertThat(chat.posted()).hasSize(1);
            assertThat(commands.output()).contains("The test message went to the chat at ");
            assertThat(folder.resolve("mail")).doesNotExist();
        }
    }

    @Test
    void namesAFolderThatCanNotBeWritten() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        given.putAll(Backend.H2.newDatabase(file));
        given.put("callboard.mail.directory", file.resolve("mail").toString());
        assertThat(check()).isFalse();
        assertThat(commands.output())
                .contains("callboard.database.url: the folder " + file.resolve("data") + " can't be written")
                .contains("callboard.mail.directory can't be written");
    }

    @Test
    void recognizesACallboardThatRuns() {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, given)) {
            check();
            assertThat(commands.output())
                    .containsPattern("ok +ports +" + callboard.port + " and " + callboard.managementPort
                            + " are those of Callboard \\S+, which runs");
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void looksAtTheTablesAndChangesNothing(Backend backend) throws Exception {
        Map<String, String> database = backend.newDatabase(folder);
        assertThat(find(database)).isEqualTo(Database.Tables.MISSING);
        assertThat(find(database)).isEqualTo(Database.Tables.MISSING);
        Database.open(Commands.settings(database).database()).close();
        assertThat(find(database)).isEqualTo(Database.Tables.CURRENT);

        execute(database, "UPDATE \"flyway_schema_history\" SET \"checksum\" = 1 WHERE \"version\" = '001'");
        assertThatThrownBy(() -> find(database))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.database.url: the tables are not those of this version");
    }

    private static Database.Tables find(Map<String, String> database) {
        return Database.find(Commands.settings(database).database());
    }

    private static void execute(Map<String, String> database, String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection(
                        database.get("callboard.database.url"),
                        database.getOrDefault("callboard.database.user", "sa"),
                        database.getOrDefault("callboard.database.password", ""));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}

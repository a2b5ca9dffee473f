package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What Callboard logs when it starts, and the one line that it logs when it cannot start. */
final class StartTest {
    private static final String SECRET = "sesame-sesame-sesame-sesame-sesame";

    // ---- settings, in this process ----

    @Test
    void namesTheKeyOfAnInvalidValue() {
        assertStops("callboard.http.port", "http", "");
        assertStops("callboard.http.port", "0", "");
        assertStops("callboard.http.port", "65536", "");
        assertStops("callboard.http.port", "", "");
        assertStops("callboard.http.host", "", "");
        assertStops("callboard.management.port", "-1", "");
        assertStops("callboard.management.host", " ", "");
        assertStops("callboard.max-body-bytes", "1 MB", "");
        assertStops("callboard.max-body-bytes", "1023", "1024");
        assertStops("callboard.trial", "yes", "true, false");
        assertStops("callboard.mail.port", "smtp", "");
        assertStops("callboard.mail.security", "ssl", "starttls, tls, none");
        assertStops("callboard.mail.directory", "", "");
        assertStops("callboard.fotor.allowed-sources", "54.212.95.175, example.org", "'example.org'");
        assertStops("callboard.fotor.allowed-sources", "0.0.0.0/33", "'0.0.0.0/33'");
        assertStops("callboard.alerts.to", "", "");
        assertStops("callboard.alerts.to", "not an address", "");
        assertStops("callboard.alerts.from", "a@x.example\nBcc: b@x.example", "");
        assertStops("callboard.database.url", "jdbc:mysql://localhost/x", "jdbc:postgresql:");
        assertStops("callboard.database.url", "jdbc:h2:mem:callboard", "H2 in a file");
        assertStops("callboard.database.url", "jdbc:h2:file:nioMemFS:callboard", "H2 in a file");
        assertStops("callboard.database.url", "jdbc:h2:tcp://localhost/./callboard", "H2 in a file");
        assertStops("callboard.database.url", "jdbc:h2:file:./x;db_close_on_exit=true", "DB_CLOSE_ON_EXIT=true");
        assertStops("callboard.database.url", "jdbc:h2:file:./x;DB_CLOSE_DELAY=-1", "DB_CLOSE_DELAY=-1");
        assertStops("callboard.routes", "routes/*.camel.yaml", "file:");
        assertStops("callboard.routes", "file:no-such-folder/*.camel.yaml", "no-such-folder");
    }

    @Test
    void suggestsTheLikelyKeyForAnUnknownOne() {
        assertStops("callboard.alert.to", "ops@x.example", "did you mean callboard.alerts.to?");
        assertStops("callboard.alerts.tto", "ops@x.example", "did you mean callboard.alerts.to?");
        assertStops("callboard.port", "8080", "did you mean callboard.http.port?");
        assertStops("callboard.foter.token", SECRET, "there is no provider foter; routes has", "creatify, fotor");
        assertStops("callboard.alerts.provider.easel.to", "a@x.example", "there is no provider easel; routes has");
        assertStops("callboard.alerts.kind.image-ready.to", "a@x.example", "1 to 20 lower-case letters");
        assertStops("callboard.alerts.kind." + "x".repeat(21) + ".to", "a@x.example", "1 to 20 lower-case letters");
        assertStops("callboard.alerts.kind.flaged.to", "none", "did you mean flagged?");
        assertStops("callboard.log.level", "trace", "error, warn, info, debug");
        assertStops("callboard.log.format", "xml", "text, json");
    }

    @Test
    void suggestsNoKeyThatIsUnknownItself() {
        Properties properties = new Properties();
        properties.put("callboard.aaa.zzz", "1");
        properties.put("callboard.aab.zzz", "1");
        assertThatThrownBy(() -> Settings.read(Path.of("no-file"), Map.of(), properties))
                .hasMessage("callboard.aaa.zzz: there is no such setting");
    }

    @Test
    void allowsATrialOnLoopbackOnly() {
        assertStops(Map.of("callboard.trial", "true", "callboard.http.host", "0.0.0.0"), "callboard.trial: ");
    }

    @Test
    void needsAPasswordForManagementOffLoopback() {
        assertStops(Map.of("callboard.management.host", "0.0.0.0"), "callboard.management.password: ");
        assertStops(Map.of("callboard.management.host", "callboard.internal"), "callboard.management.password: ");
        assertStops(
                Map.of("callboard.management.password", "15 characters.."),
                "callboard.management.password: does not have 16 to 200 characters of ASCII (the value is not shown)");
        assertStops("callboard.management.allowed-hosts", "callboard.internal, x.example:9876", "'x.example:9876'");
        for (String url : List.of("x.example", "ftp://x.example", "https://x.example/", "https://a:b@x.example")) {
            assertStops("callboard.management.url", url, "is not a URL like https://callboard.example.com");
        }
        assertThat(new Settings.Management("0.0.0.0", 9876, List.of(), Optional.of(SECRET), Optional.empty())
                        .toString())
                .doesNotContain(SECRET);
    }

    @Test
    void allowsNoUnencryptedConnectionToAMailServerOnAnotherMachine() {
        assertStops(
                Map.of("callboard.mail.host", "mail.x.example", "callboard.mail.security", "none"),
                "callboard.mail.security: ");
    }

    @Test
    void namesTheKeyOfAPortInUse() throws IOException {
        try (ServerSocket taken = takenPort()) {
            assertStops("callboard.http.port", String.valueOf(taken.getLocalPort()), "127.0.0.1");
            assertStops("callboard.management.port", String.valueOf(taken.getLocalPort()), "127.0.0.1");
        }
        assertStops(Map.of("callboard.http.host", "192.0.2.1"), "callboard.http.port: ");
    }

    @Test
    void namesAnUnreachableDatabaseWithoutItsPassword() throws IOException {
        String url = "jdbc:postgresql://127.0.0.1:" + TestCallboard.freePort() + "/callboard";
        assertStops(
                Map.of("callboard.database.url", url + "?password=" + SECRET, "callboard.database.password", SECRET),
                "callboard.database.url: no database answers at " + url + " (");
    }

    // ---- route files ----

    @Test
    void namesAnInvalidRouteFile() throws IOException {
        assertStopsWithRoutes("fotor.camel.yaml", "beanName: results", "beanName: resultz");
        assertStopsWithRoutes("fotor.camel.yaml", "- to:", "- two:");
        assertStopsWithRoutes("fotor.camel.yaml", "- route:", "- route: [");
        assertStopsWithRoutes("fotor.camel.yaml", "${variable.status} == 0", "${variable.status ==");
        assertStopsWithRoutes("receive-callback.camel.yaml", "- unmarshal:", "- unmarchal:");
        assertStopsWithRoutes("receive-callback.camel.yaml", "- routeTemplate:", "- routeTemplate: [");
        assertStopsWithRoutes("receive-callback.camel.yaml", "ref: strictJson", "ref: noSuchFormat");
    }

    @Test
    void namesLineAndColumnOfInvalidYaml() throws IOException {
        assertStopsWithRoutes("fotor.camel.yaml", "- route:", "- route: [", "line 9, column 16: ");
        assertStopsWithRoutes("fotor.camel.yaml", "- to:", "- two:", "line 57, column 11: Unknown node id: two");
    }

    @Test
    void namesBothFilesOfADuplicate() throws IOException {
        Path routes = installation().resolve("routes");
        for (String name : List.of("fotor", "receive-callback")) {
            Path file = routes.resolve(name + ".camel.yaml");
            Path copy = routes.resolve("zz.camel.yaml");
            Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
            assertStopsWithRoutes(
                    routes, routes + "/", ": has the ", ", which is also in ", copy.toString(), file.toString());
        }
        Path more = routes.resolve("zz.camel.yaml");
        Files.writeString(more, template("receive-again", "fotor"));
        assertStopsWithRoutes(routes, routes + "/", ": has the provider fotor, which is also in ", more.toString());
        Files.writeString(more, "- route:\n    id: record-task\n    from: {uri: \"timer:x\", steps: [{log: x}]}\n");
        assertStopsWithRoutes(
                routes,
                "",
                ": has the route record-task, which is also in ",
                more.toString(),
                "record-task.camel.yaml");
    }

    private static String template(String routeId, String provider) {
        return "- templatedRoute:\n    routeTemplateRef: receive-callback\n    routeId: " + routeId
                + "\n    parameters: [{name: provider, value: " + provider + "}]\n";
    }

    /** {@link RouteCheckTest} has each kind of mistake. */
    @Test
    void namesARouteThatIsCalledButDoesNotExist() throws IOException {
        assertStopsWithRoutes(
                "fotor.camel.yaml",
                "name: record-task",
                "name: record-taks",
                "the route fotor calls direct:record-taks,");
        assertStopsWithRoutes(
                "receive-callback.camel.yaml",
                "name: answer-recorded",
                "name: answer-recordet",
                "must end with direct:answer-recorded");
        assertStopsWithRoutes(
                "receive-callback.camel.yaml",
                "routeConfigurationId: answer-errors",
                "routeConfigurationId: answer-error",
                "have routeConfigurationId answer-errors");
    }

    @Test
    void namesATemplateWithoutTheSourceCheck() throws IOException {
        assertStopsWithRoutes("receive-callback.camel.yaml", "beanName: sourceCheck", "beanName: problemDetails");
        assertStopsWithRoutes("receive-callback.camel.yaml", "method: admit", "method: toString");
    }

    @Test
    void namesAnInvalidSchema() throws IOException {
        assertStopsWithRoutes("fotor.schema.json", "{", "[");
        assertStopsWithRoutes("fotor.schema.json", "\"object\"", "\"objekt\"", "/type: ");
        assertStopsWithRoutes("fotor.schema.json", "\"required\"", "\"requried\"", "/requried: ", "mean required?");
        assertStopsWithRoutes("fotor.schema.json", "^[^", "^([^");
    }

    @Test
    void namesAProviderWithoutARouterOrAnInstanceOfTheTemplate() throws IOException {
        assertStopsWithRoutes("fotor.camel.yaml", "    id: fotor\n", "    id: photor\n");
        assertStopsWithRoutes("fotor.camel.yaml", "        name: fotor\n", "        name: photor\n");

        Path routes = installation().resolve("routes");
        Path fotor = routes.resolve("fotor.camel.yaml");
        String text = Files.readString(fotor);
        Files.writeString(fotor, text.substring(text.indexOf("- route:")));
        assertStopsWithRoutes(routes, fotor + ": ", "no templatedRoute of receive-callback with provider=fotor");
        Files.writeString(fotor, text.replace("value: fotor", "value: photor"));
        assertStopsWithRoutes(routes, routes.resolve("photor.schema.json") + ": ", "does not exist", "receive-fotor");
    }

    @Test
    void namesARouteFileWithoutASchemaAndASchemaWithoutARouteFile() throws IOException {
        Path routes = installation().resolve("routes");
        Path schema = routes.resolve("fotor.schema.json");
        Files.move(schema, routes.resolve("photor.schema.json"));
        assertStopsWithRoutes(routes, routes.resolve("photor.schema.json") + ": ", "no photor.camel.yaml beside it");

        Path tooLong = routes.resolve("f".repeat(51) + ".schema.json");
        Files.move(routes.resolve("photor.schema.json"), tooLong);
        assertStopsWithRoutes(routes, tooLong + ": ", "the provider's name has more than 50 characters");

        Files.delete(tooLong);
        assertStopsWithRoutes(routes, schema + ": ", "does not exist", "receive-fotor");
    }

    @Test
    void namesAFolderWithoutAProvider() throws IOException {
        Path empty = TestCallboard.newFolder();
        assertStops("callboard.routes", "file:" + empty + "/*.camel.yaml", "<provider>.schema.json");
        assertStops("callboard.routes", "file:" + empty + "/none/*.camel.yaml", "there is no folder");
    }

    @Test
    void readsTheRoutesOfAFolderThatIsALink() throws IOException {
        Path link = TestCallboard.newFolder().resolve("link");
        Files.createSymbolicLink(link, Path.of("routes").toAbsolutePath());
        try (TestCallboard callboard =
                TestCallboard.start(Backend.H2, Map.of("callboard.routes", "file:" + link + "/*.camel.yaml"))) {
            assertThat(callboard
                            .post("fotor", "{\"taskId\": \"linked\", \"status\": 0}")
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    // ---- the process ----

    @Test
    void logsItsUrlsAndSettingsInSixLines() throws Exception {
        Path folder = installation();
        int port = TestCallboard.freePort();
        int management = TestCallboard.freePort();
        Map<String, String> environment = new HashMap<>();
        environment.put("CALLBOARD_HTTP_PORT", String.valueOf(port));
        environment.put("CALLBOARD_MANAGEMENT_PORT", String.valueOf(management));
        environment.put("CALLBOARD_DATABASE_PASSWORD", SECRET);
        environment.put("CALLBOARD_MAIL_PASSWORD", SECRET);
        environment.put("CALLBOARD_PORT", "tcp://10.0.0.1:8080");

        Process process = run(folder, environment);
        try {
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> output(folder)
                    .contains("Then give each provider"));
            assertThat(output(folder).lines().map(StartTest::message))
                    .startsWith(
                            "Callbacks: http://127.0.0.1:" + port + "/callbacks/creatify, http://127.0.0.1:" + port
                                    + "/callbacks/fotor",
                            "Admitted:  creatify from nobody without a token; fotor from 54.212.95.175, 44.236.127.35 without a token",
                            "Database:  jdbc:h2:file:./data/callboard",
                            "Mails:     files in data/mail (callboard.mail.host is not set)",
                            "Routes:    file:routes/*.camel.yaml; creatify is not asked (callboard.creatify.api-key is not set), fotor"
                                    + " is not asked (callboard.fotor.api-key is not set)",
                            "Manage:    http://127.0.0.1:" + management + "/tasks, /observe/health, /observe/metrics");
        } finally {
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(process.exitValue()).as("ended by SIGTERM").isEqualTo(143);
        assertThat(output(folder)).doesNotContain(SECRET, "ERROR", "WARN");
        assertThat(output(folder).lines().skip(6).map(StartTest::message))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .matches("Callboard " + Version.current() + " is ready after \\d+\\.\\d s\\."),
                        line -> assertThat(line)
                                .isEqualTo("Nobody can call yet: nothing is set in application.properties. README.md"
                                        + " explains it; in short:"),
                        line -> assertThat(line).startsWith("1. To try it, set callboard.trial=true there,"),
                        line -> assertThat(line).endsWith("http://127.0.0.1:" + port + "/callbacks/fotor"),
                        line -> assertThat(line)
                                .isEqualTo("curl http://127.0.0.1:" + management
                                        + "/tasks shows the task; data/mail has the mail about it."),
                        line -> assertThat(line)
                                .endsWith("callboard.trusted-proxies; set callboard.creatify.token and"
                                        + " .allowed-sources=any."),
                        line -> assertThat(line).startsWith("Then give each provider its URL of the first line"),
                        line -> assertThat(line).isEqualTo("Callboard stops."),
                        line -> assertThat(line).matches("Callboard has stopped after \\d+\\.\\d s\\."));
        assertThat(Files.getPosixFilePermissions(folder.resolve("data")))
                .extracting(Object::toString)
                .containsExactlyInAnyOrder("OWNER_READ", "OWNER_WRITE", "OWNER_EXECUTE");
    }

    @Test
    void saysWhatToDoNextOnlyWhileNobodyCanCall() {
        assertThat(nextSteps(Map.of())).isNotEmpty();
        assertThat(nextSteps(Map.of("callboard.mail.host", "mail.x.example", "callboard.alerts.to", "a@x.example")))
                .anyMatch(line -> line.endsWith("a mail tells about it."));
        for (Map<String, String> set : List.of(
                Map.of("callboard.trial", "true"),
                Map.of("callboard.trusted-proxies", "127.0.0.1"),
                Map.of("callboard.http.host", "0.0.0.0"),
                Map.of("callboard.fotor.token", SECRET),
                Map.of("callboard.fotor.allowed-sources", "127.0.0.0/8"))) {
            assertThat(nextSteps(set)).as(set.toString()).isEmpty();
        }
    }

    private static List<String> nextSteps(Map<String, String> given) {
        Properties properties = new Properties();
        properties.putAll(given);
        return new StartupReport(Settings.read(Path.of("no-file"), Map.of(), properties), true).nextSteps();
    }

    @Test
    void namesTheUrlUnderWhichManagementIsReached() {
        Properties properties = new Properties();
        properties.put("callboard.management.url", "https://callboard.x.example");
        assertThat(new StartupReport(Settings.read(Path.of("no-file"), Map.of(), properties), true).lines())
                .contains("Manage:    https://callboard.x.example/tasks, /observe/health, /observe/metrics");
    }

    @Test
    void exitsWithOneLineForAnInvalidSetting() throws Exception {
        assertThat(failure(installation(), Map.of("CALLBOARD_HTTP_PORT", "http")))
                .contains("callboard.http.port", "'http'");
    }

    @Test
    void exitsWithOneLineForAPortInUse() throws Exception {
        try (ServerSocket taken = takenPort()) {
            assertThat(failure(
                            installation(),
                            Map.of(
                                    "CALLBOARD_HTTP_PORT",
                                    String.valueOf(taken.getLocalPort()),
                                    "CALLBOARD_MANAGEMENT_PORT",
                                    String.valueOf(TestCallboard.freePort()))))
                    .contains("callboard.http.port");
        }
    }

    @Test
    void exitsWithOneLineForAnInvalidRouteFile() throws Exception {
        Path folder = installation();
        Path broken = folder.resolve("routes/fotor.camel.yaml");
        Files.writeString(broken, Files.readString(broken).replace("setVariable:", "setVarable:"));
        assertThat(failure(
                        folder,
                        Map.of(
                                "CALLBOARD_HTTP_PORT",
                                String.valueOf(TestCallboard.freePort()),
                                "CALLBOARD_MANAGEMENT_PORT",
                                String.valueOf(TestCallboard.freePort()))))
                .contains("routes/fotor.camel.yaml", "setVarable");
    }

    @Test
    void exitsWithOneLineForAnUnknownKeyOfCamel() throws Exception {
        Path folder = installation();
        Files.writeString(
                folder.resolve("application.properties"),
                "callboard.http.port=" + TestCallboard.freePort() + "\ncallboard.management.port="
                        + TestCallboard.freePort() + "\ncamel.main.no-such-key=1\n");
        assertThat(failure(folder, Map.of())).contains("camel.main.noSuchKey");
    }

    // ---- helpers ----

    private static void assertStops(String key, String value, String... why) {
        assertStops(
                Map.of(key, value),
                Stream.concat(Stream.of(key + ": "), Stream.of(why)).toArray(String[]::new));
    }

    private static void assertStops(Map<String, String> given, String... parts) {
        try {
            Map<String, String> all = new LinkedHashMap<>(Backend.H2.newDatabase(TestCallboard.newFolder()));
            all.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
            all.put("callboard.management.port", String.valueOf(TestCallboard.freePort()));
            all.putAll(given);
            Properties properties = new Properties();
            properties.putAll(all);
            assertThatThrownBy(() -> Callboard.start(Settings.read(Path.of("no-file"), Map.of(), properties))
                            .close())
                    .as(given.toString())
                    .isInstanceOf(StartException.class)
                    .hasMessageContainingAll(parts)
                    .message()
                    .startsWith(parts[0])
                    .doesNotContain(SECRET, "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertStopsWithRoutes(String file, String from, String to, String... why) throws IOException {
        Path routes = installation().resolve("routes");
        String text = Files.readString(routes.resolve(file));
        assertThat(text).contains(from);
        Files.writeString(routes.resolve(file), text.replaceFirst(Pattern.quote(from), to.replace("$", "\\$")));
        assertStopsWithRoutes(
                routes,
                Stream.concat(Stream.of(routes.resolve(file) + ": "), Stream.of(why))
                        .toArray(String[]::new));
    }

    private static void assertStopsWithRoutes(Path routes, String... parts) {
        assertStops(Map.of("callboard.routes", "file:" + routes + "/*.camel.yaml"), parts);
    }

    private static ServerSocket takenPort() throws IOException {
        return new ServerSocket(0, 1, AddressRange.parseAddress("127.0.0.1").orElseThrow());
    }

    /** A new folder with the settings and the routes of this project. */
    private static Path installation() throws IOException {
        Path folder = TestCallboard.newFolder();
        Files.copy(Path.of("application.properties"), folder.resolve("application.properties"));
        Path routes = Files.createDirectory(folder.resolve("routes"));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("routes"))) {
            for (Path file : files) {
                Files.copy(file, routes.resolve(file.getFileName()));
            }
        }
        return folder;
    }

    private static Process run(Path folder, Map<String, String> environment) throws IOException {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        String withoutTests = Arrays.stream(classPath.split(":", -1))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(":"));
        ProcessBuilder java = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        withoutTests,
                        Callboard.class.getName()))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile());
        java.environment().keySet().removeIf(name -> name.startsWith("CALLBOARD_"));
        java.environment().putAll(environment);
        return java.start();
    }

    /** The one line that a process logs when it cannot start. */
    private static String failure(Path folder, Map<String, String> environment) throws Exception {
        Process process = run(folder, environment);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output(folder)).isEqualTo(1);
        assertThat(output(folder).lines()).hasSize(1);
        return message(output(folder).strip());
    }

    private static String output(Path folder) throws IOException {
        return Files.readString(folder.resolve("output"));
    }

    /** A line of the log without its time and level. */
    private static String message(String line) {
        return line.replaceFirst("^\\S+ +\\S+ +", "");
    }
}

package dev.callboard.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The file that users edit agrees with the code, and each value comes from the right source. */
final class SettingsTest {
    @Test
    void theFileHasEveryKeyWithItsDefault() throws IOException {
        Properties file = new Properties();
        try (Reader reader = Files.newBufferedReader(Settings.FILE)) {
            file.load(reader);
        }
        assertThat(file).isEqualTo(asProperties(SettingsReader.DEFAULTS));
    }

    @Test
    void theFileChangesNothing() {
        Settings withFile = Settings.read(Settings.FILE, Map.of(), new Properties());
        Settings withoutFile = Settings.read(Path.of("no-file"), Map.of(), new Properties());
        assertThat(withFile.values()).isEqualTo(withoutFile.values());
    }

    @Test
    void hasACommentAboveEachKeyOrItsGroup() throws IOException {
        String before = "";
        for (String line : Files.readAllLines(Settings.FILE)) {
            if (line.startsWith("callboard.")) {
                assertThat(before).as("above " + line).matches("(#|callboard\\.).*");
            }
            before = line;
        }
    }

    @Test
    void readsEveryKey() throws IOException {
        String code = code();
        for (String key : SettingsReader.DEFAULTS.keySet()) {
            // A provider's keys are put together from its name.
            String used = key.replaceFirst("^callboard\\.(fotor|creatify)", "");
            assertThat(code).as(key).containsAnyOf("\"" + used + "\"", "{{" + used + "}}");
        }
    }

    @Test
    void prefersASystemPropertyToAVariableAndAVariableToTheFile() throws IOException {
        Path file = TestCallboard.newFolder().resolve("application.properties");
        Files.writeString(
                file, "callboard.alerts.to=file@x.example\ncallboard.http.port=1001\ncallboard.management.port=2001\n");
        Properties system = asProperties(Map.of("callboard.http.port", "1003"));

        Settings settings = Settings.read(
                file, Map.of("CALLBOARD_HTTP_PORT", "1002", "CALLBOARD_MANAGEMENT_PORT", " 2002 "), system);

        assertThat(settings.http().port()).isEqualTo(1003);
        assertThat(settings.management().port()).isEqualTo(2002);
        assertThat(settings.alerts().to()).isEqualTo("file@x.example");
        assertThat(settings.alerts().from()).isEqualTo("callboard@localhost");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    CALLBOARD_ALERT_TO         | there is no such setting; did you mean CALLBOARD_ALERTS_TO?
                    CALLBOARD_PORT             | there is no such setting; did you mean CALLBOARD_HTTP_PORT?
                    CALLBOARD_ALERTS_KIND_X-_TO | there is no such setting; did you mean CALLBOARD_ALERTS_TO?
                    callboard.alerts.to        | there is no such setting; did you mean CALLBOARD_ALERTS_TO?
                    callboard_http_port        | there is no such setting; did you mean CALLBOARD_HTTP_PORT?
                    CALLBOARD_ZZZ              | there is no such setting
                    CALLBOARD_EASEL_TOKEN      | there is no provider easel; routes has a route file and a schema for creatify, fotor
                    CALLBOARD_FOTER_ALLOWED_SOURCES | there is no provider foter; routes has a route file and a schema for creatify, fotor
                    CALLBOARD_ALERTS_PROVIDER_EASEL_TO | there is no provider easel; routes has a route file and a schema for creatify, fotor
                    """)
    void rejectsAVariableThatIsNoSetting(String variable, String why) {
        assertThatThrownBy(() -> Settings.read(Path.of("no-file"), Map.of(variable, "8080"), new Properties()))
                .isInstanceOf(StartException.class)
                .hasMessage(variable + ": " + why);
    }

    /** What Kubernetes sets for the services callboard and callboard-manage. */
    @Test
    void ignoresTheVariablesOfAPlatform() {
        Map<String, String> variables = Map.of(
                "CALLBOARD_SERVICE_HOST", "10.0.0.1",
                "CALLBOARD_SERVICE_PORT", "8080",
                "CALLBOARD_SERVICE_PORT_HTTP", "8080",
                "CALLBOARD_PORT", "tcp://10.0.0.1:8080",
                "CALLBOARD_PORT_8080_TCP", "tcp://10.0.0.1:8080",
                "CALLBOARD_PORT_8080_TCP_ADDR", "10.0.0.1",
                "CALLBOARD_MANAGE_SERVICE_HOST", "10.0.0.2",
                "CALLBOARD_MANAGE_PORT", "tcp://10.0.0.2:9876",
                "CALLBOARD_MANAGE_PORT_9876_TCP_PROTO", "tcp");
        Settings settings = Settings.read(Path.of("no-file"), variables, new Properties());
        assertThat(settings.http().port()).isEqualTo(8080);
    }

    @Test
    void rejectsAKeyOfAProviderWithoutFiles() throws IOException {
        Path folder = TestCallboard.newFolder();
        Files.createFile(folder.resolve("acme.camel.yaml"));
        Files.createFile(folder.resolve("acme.schema.json"));
        for (String key : List.of("callboard.fotor.token", "callboard.easel.token", "callboard.alerts.provider.x.to")) {
            Properties given = asProperties(Map.of("callboard.routes", "file:" + folder + "/*.camel.yaml", key, ""));
            assertThatThrownBy(() -> Settings.read(Path.of("no-file"), Map.of(), given))
                    .isInstanceOf(StartException.class)
                    .hasMessageStartingWith(key + ": there is no provider ")
                    .hasMessageEndingWith(" for acme");
        }
    }

    @Test
    void findsTheProvidersInTheRoutesFolder() throws IOException {
        Path folder = TestCallboard.newFolder();
        for (String name : List.of("acme.camel.yaml", "acme.schema.json", "on-task-change.camel.yaml", "note.txt")) {
            Files.createFile(folder.resolve(name));
        }
        Properties given = asProperties(Map.of(
                "callboard.routes",
                "file:" + folder + "/*.camel.yaml",
                "callboard.acme.allowed-sources",
                "192.0.2.0/24, 2001:db8::1"));

        Settings settings = Settings.read(Path.of("no-file"), Map.of(), given);

        assertThat(settings.providerNames()).isEqualTo(Set.of("acme"));
        assertThat(settings.providers().get("acme").allowedSources())
                .extracting(AddressRange::toString)
                .containsExactly("192.0.2.0/24", "2001:db8::1");
    }

    @Test
    void rejectsAProviderWithTheNameOfOtherSettings() throws IOException {
        Path folder = TestCallboard.newFolder();
        Files.createFile(folder.resolve("events.camel.yaml"));
        Files.createFile(folder.resolve("events.schema.json"));
        Properties given = asProperties(Map.of("callboard.routes", "file:" + folder + "/*.camel.yaml"));
        assertThatThrownBy(() -> Settings.read(Path.of("no-file"), Map.of(), given))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("events.schema.json: a provider can't have this name");
    }

    @Test
    void readsTheRecipientsOfAKindFromAVariable() {
        Settings settings = Settings.read(
                Path.of("no-file"), Map.of("CALLBOARD_ALERTS_KIND_NO_RESULT_TO", "qa@x.example"), new Properties());
        assertThat(settings.alerts().toByKind()).isEqualTo(Map.of("no_result", "qa@x.example"));
    }

    @Test
    void showsNoSecretAsText() {
        String secret = "sesame-sesame-sesame-sesame-sesame";
        Properties given = asProperties(Map.of(
                "callboard.fotor.token",
                secret,
                "callboard.database.password",
                secret,
                "callboard.database.url",
                "jdbc:postgresql://db/callboard?password=" + secret,
                "callboard.mail.password",
                secret,
                "callboard.alerts.webhook.format",
                "slack",
                "callboard.alerts.webhook.url",
                "https://hooks.x.example/" + secret + "?sig=" + secret));
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), given);
        assertThat(settings.alerts().webhook()).isPresent();
        assertThat(List.of(settings, settings.providers(), settings.database(), settings.mail(), settings.alerts()))
                .allSatisfy(part -> assertThat(part.toString()).doesNotContain(secret));
    }

    private static Properties asProperties(Map<String, String> values) {
        Properties properties = new Properties();
        properties.putAll(values);
        return properties;
    }

    /** The Java code but for the list of defaults, and the routes. */
    private static String code() throws IOException {
        List<String> texts = new ArrayList<>();
        for (Path folder : List.of(Path.of("src/main/java"), Path.of("routes"))) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    texts.add(Files.readString(file).replaceAll("(?m)^\\s*defaults\\.put\\(.*$", ""));
                }
            }
        }
        return String.join("\n", texts);
    }
}

package dev.callboard.settings;

import static org.assertj.core.api.Assertions.assertThat;

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

/** The file that people edit says what the code does: its keys, their defaults, and that each is used. */
final class SettingsTest {
    @Test
    void theFileHasEveryKeyWithItsDefault() throws IOException {
        Properties file = new Properties();
        try (Reader reader = Files.newBufferedReader(Settings.FILE)) {
            file.load(reader);
        }
        assertThat(file).isEqualTo(asProperties(Settings.DEFAULTS));
    }

    @Test
    void theFileChangesNothing() {
        Settings withFile = Settings.read(Settings.FILE, Map.of(), new Properties());
        Settings withoutFile = Settings.read(Path.of("no-file"), Map.of(), new Properties());
        assertThat(withFile.values()).isEqualTo(withoutFile.values());
    }

    @Test
    void aCommentStandsAboveEachKeyOrItsGroup() throws IOException {
        String before = "";
        for (String line : Files.readAllLines(Settings.FILE)) {
            if (line.startsWith("callboard.")) {
                assertThat(before).as("above " + line).matches("(#|callboard\\.).*");
            }
            before = line;
        }
    }

    @Test
    void everyKeyIsUsed() throws IOException {
        String code = code();
        for (String key : Settings.DEFAULTS.keySet()) {
            // A provider's keys are put together from its name.
            String used = key.replaceFirst("^callboard\\.(fotor|creatify)", "");
            assertThat(code).as(key).containsAnyOf("\"" + used + "\"", "{{" + used + "}}");
        }
    }

    @Test
    void aSystemPropertyWinsOverAVariableAndAVariableOverTheFile() throws IOException {
        Path file = TestCallboard.newFolder().resolve("application.properties");
        Files.writeString(
                file, "callboard.alerts.to=file@x.example\ncallboard.http.port=1001\ncallboard.management.port=2001\n");
        Properties system = asProperties(Map.of("callboard.http.port", "1003"));

        Settings settings = Settings.read(
                file, Map.of("CALLBOARD_HTTP_PORT", "1002", "CALLBOARD_MANAGEMENT_PORT", " 2002 "), system);

        assertThat(settings.get("callboard.http.port")).isEqualTo("1003");
        assertThat(settings.get("callboard.management.port")).isEqualTo("2002");
        assertThat(settings.get("callboard.alerts.to")).isEqualTo("file@x.example");
        assertThat(settings.get("callboard.alerts.from")).isEqualTo("callboard@localhost");
    }

    @Test
    void aVariableThatAPlatformSetsIsNoMistake() {
        Settings settings =
                Settings.read(Path.of("no-file"), Map.of("CALLBOARD_PORT", "tcp://10.0.0.1:8080"), new Properties());
        assertThat(settings.get("callboard.http.port")).isEqualTo("8080");
    }

    @Test
    void providersAreThoseWithAReceivingRoute() throws IOException {
        Path folder = TestCallboard.newFolder();
        for (String name : List.of("receive-acme.camel.yaml", "route-other.camel.yaml", "receive-note.txt")) {
            Files.createFile(folder.resolve(name));
        }
        Properties given = asProperties(Map.of(
                "callboard.routes",
                "file:" + folder + "/*.camel.yaml",
                "callboard.acme.allowed-sources",
                "192.0.2.0/24, 2001:db8::1"));

        Settings settings = Settings.read(Path.of("no-file"), Map.of(), given);

        assertThat(settings.providers()).isEqualTo(Set.of("acme"));
        assertThat(settings.allowedSources("acme"))
                .extracting(AddressRange::toString)
                .containsExactly("192.0.2.0/24", "2001:db8::1");
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

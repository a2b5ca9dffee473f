package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The recipes in {@code src/docs/deploy} name what is there: settings, metrics, requests and files. */
final class DeployFilesTest {
    private static final Path DEPLOY = Path.of("src/docs/deploy");

    /** Variables that are no settings: those of bin/callboard, and those that Caddy and compose replace. */
    private static final Set<String> NO_SETTINGS =
            Set.of("CALLBOARD_HOME", "CALLBOARD_JAVA_OPTIONS", "CALLBOARD_DOMAIN", "CALLBOARD_UPSTREAM");

    private static final String SECRET = "0123456789abcdef0123456789abcdef";

    /** What the compose files take from .env. */
    private static final Map<String, String> OF_THE_USER = Map.of(
            "${CREATIFY_TOKEN:?}",
            SECRET,
            "${MANAGEMENT_PASSWORD:?}",
            SECRET,
            "${DATABASE_PASSWORD:?}",
            SECRET,
            "${ALERTS_TO:?}",
            "ops@example.org",
            "${ALERTS_FROM:?}",
            "callboard@example.org",
            "${MAIL_HOST:?}",
            "smtp.example.org");

    private static final Pattern VARIABLE = Pattern.compile("\\bCALLBOARD_[A-Z0-9_]+\\b");
    private static final Pattern KEY = Pattern.compile("\\bcallboard(\\.[a-z0-9-]+)+\\b");
    private static final Pattern METRIC = Pattern.compile("\\bcallboard_[a-z_]+");

    @Test
    void namesOnlySettingsThatExist() {
        Set<String> keys = Settings.read(Path.of("no-file"), Map.of(), new Properties())
                .values()
                .keySet();
        Set<String> variables = keys.stream()
                .map(key -> key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_"))
                .collect(Collectors.toSet());
        for (Path file : files()) {
            assertThat(found(VARIABLE, file)).as("%s", file).allSatisfy(variable -> assertThat(
                            NO_SETTINGS.contains(variable) || variables.contains(variable))
                    .as(variable)
                    .isTrue());
            if (!file.toString().endsWith("README.md") && !file.toString().contains("grafana")) {
                assertThat(found(KEY, file))
                        .as("%s", file)
                        .filteredOn(key -> !isFileOrHost(key))
                        .allSatisfy(key -> assertThat(keys).contains(key));
            }
        }
    }

    /** Such as {@code callboard.service}, {@code callboard.example.org}. */
    private static boolean isFileOrHost(String key) {
        return key.matches("callboard\\.(service|env|conf|log|error\\.log|yaml|json|rules.*|example\\.org|password)");
    }

    @Test
    void namesOnlyMetricsThatExist() throws IOException {
        String metrics;
        try (TestCallboard callboard = TestCallboard.start(Backend.H2)) {
            assertThat(callboard
                            .post("fotor", "{\"taskId\": \"t-1\", \"status\": 0}")
                            .statusCode())
                    .isEqualTo(200);
            metrics = TestCallboard.send(HttpRequest.newBuilder(
                                    URI.create("http://127.0.0.1:" + callboard.managementPort + "/observe/metrics"))
                            .build())
                    .body();
        }
        // These appear with the first rejected caller.
        Set<String> existing = new TreeSet<>(Set.of("callboard_callers_rejected_total"));
        metrics.lines().filter(line -> !line.startsWith("#")).forEach(line -> existing.add(line.split("[{ ]", 2)[0]));
        Set<String> used = new TreeSet<>();
        for (String file : List.of("prometheus/callboard.rules.yml", "grafana/callboard.json")) {
            used.addAll(found(METRIC, DEPLOY.resolve(file)));
        }
        assertThat(used).hasSizeGreaterThan(15).isSubsetOf(existing);
    }

    @Test
    void isValidYamlAndJson() throws IOException {
        Yaml yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
        Map<String, Integer> documents = new HashMap<>();
        for (Path file : files()) {
            if (file.toString().matches(".*\\.ya?ml")) {
                List<Object> all = new ArrayList<>();
                yaml.loadAll(Files.readString(file)).forEach(all::add);
                assertThat(all).as("%s", file).isNotEmpty().allSatisfy(document -> assertThat(document)
                        .isInstanceOf(Map.class));
                documents.put(file.getFileName().toString(), all.size());
            }
        }
        assertThat(documents).containsKeys("compose.h2.yaml", "compose.postgresql.yaml", "callboard.rules.yml");
        JsonNode dashboard = new ObjectMapper()
                .readTree(DEPLOY.resolve("grafana/callboard.json").toFile());
        assertThat(dashboard.get("panels")).hasSizeGreaterThan(10).allSatisfy(panel -> assertThat(panel.get("targets"))
                .isNotEmpty());
    }

    /** The start of a container must not fail for a value in a file. */
    @ParameterizedTest
    @ValueSource(strings = {"kubernetes/callboard.yaml", "docker/compose.h2.yaml", "docker/compose.postgresql.yaml"})
    void hasValuesOfSettingsThatCallboardAccepts(String file) throws IOException {
        Yaml yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
        Map<?, ?> first = (Map<?, ?>)
                yaml.loadAll(Files.readString(DEPLOY.resolve(file))).iterator().next();
        Map<?, ?> values = file.startsWith("kubernetes")
                ? (Map<?, ?>) first.get("data")
                : (Map<?, ?>) ((Map<?, ?>) ((Map<?, ?>) first.get("services")).get("callboard")).get("environment");
        Map<String, String> environment = new HashMap<>();
        values.forEach((key, value) ->
                environment.put((String) key, OF_THE_USER.getOrDefault(String.valueOf(value), String.valueOf(value))));
        // Those of the secret.
        environment.putIfAbsent("CALLBOARD_CREATIFY_TOKEN", SECRET);
        environment.putIfAbsent("CALLBOARD_MANAGEMENT_PASSWORD", SECRET);
        if (environment.containsKey("CALLBOARD_MAIL_USERNAME")) {
            environment.put("CALLBOARD_MAIL_PASSWORD", SECRET);
        }
        assertThat(environment.values()).noneMatch(value -> value.contains("${"));
        Settings settings = Settings.read(Path.of("no-file"), environment, new Properties());
        assertThat(settings.logFormat()).isEqualTo(Settings.LogFormat.JSON);
        assertThat(settings.trustedProxies()).hasSize(1);
        assertThat(settings.retention()).isPresent();
    }

    private static List<Path> files() {
        try (Stream<Path> all = Files.walk(DEPLOY)) {
            List<Path> files = all.filter(Files::isRegularFile).sorted().toList();
            assertThat(files).hasSizeGreaterThan(10);
            return files;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> found(Pattern pattern, Path file) {
        try {
            return pattern.matcher(Files.readString(file))
                    .results()
                    .map(match -> match.group())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

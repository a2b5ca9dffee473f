package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.events.CollectionEndEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.CommentEvent;
import org.yaml.snakeyaml.events.Event;

/**
 * The rules for route files: all of them are valid against Camel's schema, and those in {@code routes/} are written as
 * visual editors write them and name nothing of the jar but what the next version still has.
 */
final class RouteFilesTest {
    private static final Path USERS = Path.of("routes");
    private static final Path INTERNAL = Path.of("src/main/resources/camel");
    private static final Path EXAMPLE = Path.of("src/test/resources/new-provider");
    private static final Path FROZEN = Path.of("src/test/resources/frozen-routes/0.1");

    /** What the files in routes/ may name of the jar. It may grow; nothing is removed or renamed. */
    private static final Set<String> CONTRACT = Set.of(
            "bean:sourceCheck.admit",
            "bean:callbackUrl.ref",
            "bean:callbackUrl.family",
            "bean:callbackBody.read",
            "bean:schemaCheck.check",
            "bean:results.add",
            "bean:results.addByEnding",
            "bean:lookup.readList",
            "bean:lookup.readObject",
            "bean:lookup.unknown",
            "dataFormat:strictJson",
            "direct:record-task",
            "direct:record-lookup",
            "direct:answer-recorded",
            "direct:answer-accepted",
            "direct:record-accepted",
            "direct:send-webhook",
            "routeConfiguration:answer-errors");

    private static final YAMLMapper YAML = new YAMLMapper();
    private static final JsonSchema CAMEL = schema();
    /** Most files are the same in each copy. */
    private static final Map<String, Set<ValidationMessage>> CHECKED = new HashMap<>();

    private static final Pattern LEAVES = Pattern.compile("(jdbc|sql|smtps?|https?|vertx-http|file|kafka|jms)(:.*)?");
    private static final Pattern CLASS_NAME = Pattern.compile("\\b(?!java\\.)[a-z]+(\\.[a-z]\\w*)+\\.[A-Z]\\w*");
    private static final Pattern SQL = Pattern.compile("(?s)\\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\\b.*");
    private static final int MAX_SQL = 200;

    // ---- the files ----

    @Test
    void allFilesFollowTheRules() throws IOException {
        assertThat(breaches(USERS, INTERNAL)).isEmpty();
        assertThat(breaches(EXAMPLE, INTERNAL))
                .as("the example of a new provider")
                .isEmpty();
    }

    @Test
    void routesHasTheTemplateTwoFilesForEachProviderAndTheListener() throws IOException {
        assertThat(names(USERS))
                .containsExactlyInAnyOrder(
                        "receive-callback.camel.yaml",
                        "on-task-change.camel.yaml",
                        "fotor.camel.yaml",
                        "fotor.schema.json",
                        "creatify.camel.yaml",
                        "creatify.schema.json");
    }

    /** Users edit and keep them, so that they name only what every later version has. */
    @Test
    void frozenRoutesFollowTheRules() throws IOException {
        assertThat(names(USERS)).containsAll(names(FROZEN));
        assertThat(breaches(FROZEN, INTERNAL)).isEmpty();
    }

    // ---- each rule, in a file that breaks it ----

    @Test
    void findsAnUnknownStepOrOption() throws IOException {
        assertFound("receive-callback", "unmarshal:", "unmarchal:", "schema");
        assertFound("fotor", "description: In progress.", "\"a\": [", "YAML");
        assertFoundInInternal("management", "ref: taskLookup", "\"a\": [", "YAML");
        assertFoundInInternal("management", "marshal:", "marchal:", "schema");
    }

    @Test
    void findsARouteWithoutADescription() throws IOException {
        assertFound("fotor", "description: >-\n      The meaning of", "note: >-\n      The meaning of", "description");
        assertFound("receive-callback", "description: >-\n      Receives", "note: >-\n      Receives", "description");
        assertFoundInInternal("record-task", "description: >-", "note: >-", "description");
    }

    @Test
    void findsAnExternalStepWithoutAnId() throws IOException {
        assertFoundInInternal("management", "                        id: send-the-test-mail\n", "", "smtp has no id");
    }

    @Test
    void findsADuplicateId() throws IOException {
        assertFoundInInternal("management", "id: list-mails", "id: list-tasks", "list-tasks is there twice");
        assertFound("creatify", "routeId: receive-creatify", "routeId: receive-fotor", "receive-fotor is there twice");
    }

    @Test
    void findsAnHttpPathThatIsNotMadeFromTheTemplate() throws IOException {
        assertFound("fotor", "uri: direct\n", "uri: platform-http\n", "fotor opens an HTTP path");
        assertFoundInInternal("record-task", "uri: direct\n", "uri: platform-http\n", "record-task opens an HTTP path");
    }

    @Test
    void findsATemplateWithoutTheSourceCheckOrErrorHandling() throws IOException {
        assertFound("receive-callback", "beanName: sourceCheck", "beanName: schemaCheck", "source check");
        assertFound("receive-callback", "routeConfigurationId: answer-errors", "group: x", "answer-errors");
    }

    @Test
    void findsASubRouteThatHandlesItsCallersErrors() throws IOException {
        assertFound("fotor", "noErrorHandler: {}", "defaultErrorHandler: {}", "noErrorHandler");
        assertFoundInInternal("quarantine", "noErrorHandler: {}", "defaultErrorHandler: {}", "noErrorHandler");
    }

    @Test
    void findsASubRouteUnderAnotherName() throws IOException {
        assertFound(
                "fotor", "      parameters:\n        name: fotor\n", "      parameters:\n        name: x\n", "at x");
    }

    @Test
    void findsACommentThatAnEditorWouldDrop() throws IOException {
        assertFound("fotor", "      steps:", "      # comment\n      steps:", "comment");
        assertFound("fotor", "      steps:", "      steps: # comment", "comment");
    }

    @Test
    void findsAnotherStyleThanBlockStyle() throws IOException {
        assertFound(
                "fotor",
                "parameters:\n      - name: provider\n        value: fotor",
                "parameters: [{name: provider, value: fotor}]",
                "block style");
        assertFound(
                "fotor",
                "      uri: direct\n      parameters:\n        name: fotor\n",
                "      uri: direct:fotor\n",
                "parameters");
    }

    @Test
    void findsLongSql() throws IOException {
        assertFoundInInternal(
                "quarantine",
                "SELECT quarantine_id FROM quarantine ORDER BY received_at, quarantine_id",
                "SELECT " + "x, ".repeat(70) + "1",
                "SQL");
    }

    @Test
    void findsANameThatIsNoContract() throws IOException {
        assertFound("fotor", "beanName: results", "beanName: quarantine", "bean:quarantine.add");
        assertFound("fotor", "name: record-task", "name: raise-alert", "direct:raise-alert");
        assertFound("receive-callback", "ref: callbackUrl", "ref: outbox", "bean:outbox.ref");
        assertFound("receive-callback", "ref: strictJson", "ref: plainJson", "dataFormat:plainJson");
        assertFound("receive-callback", "java.util.Map", "com.fasterxml.jackson.databind.JsonNode", "a class");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dev.callboard.task.Task", "com.fasterxml.jackson.databind.JsonNode", "org.apache.camel.X"})
    void recognizesAClassName(String name) {
        assertThat(CLASS_NAME.matcher("see " + name).find()).isTrue();
    }

    /** Breaks a copy of the user's files in one place. */
    private static void assertFound(String name, String from, String to, String breach) throws IOException {
        assertThat(breaches(broken(USERS, name, from, to), INTERNAL))
                .anySatisfy(found -> assertThat(found).contains(breach));
    }

    private static void assertFoundInInternal(String name, String from, String to, String breach) throws IOException {
        assertThat(breaches(USERS, broken(INTERNAL, name, from, to)))
                .anySatisfy(found -> assertThat(found).contains(breach));
    }

    private static Path broken(Path folder, String name, String from, String to) throws IOException {
        Path copy = TestCallboard.newFolder();
        for (String file : names(folder)) {
            Files.copy(folder.resolve(file), copy.resolve(file));
        }
        Path broken = copy.resolve(name + ".camel.yaml");
        String text = Files.readString(broken);
        assertThat(text).contains(from);
        Files.writeString(broken, text.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
        return copy;
    }

    // ---- the rules ----

    private static List<String> breaches(Path users, Path internal) throws IOException {
        List<String> breaches = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        Set<String> directs = directs(users);
        for (Path folder : List.of(users, internal)) {
            for (String name : names(folder)) {
                if (name.endsWith(".camel.yaml")) {
                    String text = Files.readString(folder.resolve(name));
                    Consumer<String> breach = what -> breaches.add(name + ": " + what);
                    check(text, ids, breach);
                    if (folder.equals(users)) {
                        checkUsers(text, directs, breach);
                    }
                }
            }
        }
        return breaches;
    }

    private static void check(String text, Set<String> ids, Consumer<String> breach) {
        JsonNode file = read(text);
        if (file.isMissingNode()) {
            breach.accept("is no YAML");
            return;
        }
        for (ValidationMessage message : CHECKED.computeIfAbsent(text, t -> CAMEL.validate(file))) {
            breach.accept("is not what Camel's schema allows: " + message.getMessage());
        }
        for (JsonNode entry : file) {
            entry.properties().forEach(item -> {
                checkTop(item.getKey(), item.getValue(), breach);
                checkSteps(item.getValue(), ids, breach);
            });
        }
    }

    private static void checkTop(String kind, JsonNode top, Consumer<String> breach) {
        String id = top.path("id").asText();
        if (!kind.equals("templatedRoute") && top.path("description").asText().isBlank()) {
            breach.accept(kind + " " + id + " has no description");
        }
        if (kind.equals("route")) {
            checkFrom(id, top, breach);
        }
        if (kind.equals("routeTemplate")) {
            JsonNode route = top.path("route");
            if (!id.equals("receive-callback")) {
                checkFrom(id, route, breach);
            }
            if (!route.path("routeConfigurationId").asText().equals("answer-errors")) {
                breach.accept("the template does not name answer-errors");
            }
            boolean checks = false;
            for (JsonNode step : route.at("/from/steps")) {
                checks |= step.at("/to/uri").asText().equals("bean")
                        && step.at("/to/parameters/beanName").asText().equals("sourceCheck")
                        && step.at("/to/parameters/method").asText().equals("admit");
            }
            if (!checks) {
                breach.accept("the template has no source check");
            }
        }
    }

    private static void checkFrom(String id, JsonNode route, Consumer<String> breach) {
        String from = route.at("/from/uri").asText();
        if (from.startsWith("platform-http") || from.startsWith("rest")) {
            breach.accept(id + " opens an HTTP path");
        }
        if (from.startsWith("direct")) {
            String name = route.at("/from/parameters/name").asText();
            if (!name.equals(id)) {
                breach.accept(id + " is reached at " + name);
            }
            // The caller of send-mail does not wait for it, and can't answer its errors.
            boolean alone = route.at("/routeConfigurationId").asText().equals("record-later");
            if (route.at("/errorHandler/noErrorHandler").isMissingNode() && !alone) {
                breach.accept(id + " is a sub-route without noErrorHandler");
            }
        }
    }

    private static void checkSteps(JsonNode node, Set<String> ids, Consumer<String> breach) {
        String id = node.path("id").asText(node.path("routeId").asText());
        String uri = node.path("uri").asText();
        if (!id.isEmpty() && !ids.add(id)) {
            breach.accept("the id " + id + " is there twice");
        }
        if (id.isEmpty() && LEAVES.matcher(uri).matches()) {
            breach.accept("the step " + uri + " has no id");
        }
        if (SQL.matcher(node.asText()).matches() && node.asText().length() > MAX_SQL) {
            breach.accept("has SQL that belongs in a file: " + node.asText());
        }
        node.properties().forEach(child -> {
            if (!child.getKey().equals("parameters")) {
                checkSteps(child.getValue(), ids, breach);
            }
        });
        if (node.isArray()) {
            node.forEach(child -> checkSteps(child, ids, breach));
        }
    }

    private static void checkUsers(String text, Set<String> directs, Consumer<String> breach) {
        if (read(text).isMissingNode()) {
            return;
        }
        checkStyle(text, breach);
        read(text).findValuesAsText("uri").stream()
                .filter(uri -> uri.contains(":"))
                .forEach(uri -> breach.accept(uri + " has what belongs in its parameters"));
        for (String named : namedOfTheJar(read(text))) {
            if (!CONTRACT.contains(named) && !directs.contains(named)) {
                breach.accept("names " + named + ", which is not part of the contract");
            }
        }
        Matcher className = CLASS_NAME.matcher(text);
        if (className.find()) {
            breach.accept("names a class: " + className.group());
        }
    }

    /** The beans, routes and configurations that a file names. */
    private static Set<String> namedOfTheJar(JsonNode file) {
        Set<String> named = new HashSet<>();
        walk(file, node -> {
            JsonNode parameters = node.path("parameters");
            switch (node.path("uri").asText()) {
                case "bean" ->
                    named.add("bean:" + parameters.path("beanName").asText() + "."
                            + parameters.path("method").asText());
                case "direct" -> named.add("direct:" + parameters.path("name").asText());
                default -> {
                    // Camel's own.
                }
            }
            if (node.has("method") && node.path("method").has("ref")) {
                named.add("bean:" + node.at("/method/ref").asText() + "."
                        + node.at("/method/method").asText());
            }
            if (node.has("custom")) {
                named.add("dataFormat:" + node.at("/custom/ref").asText());
            }
            if (node.has("routeConfigurationId")) {
                named.add("routeConfiguration:"
                        + node.path("routeConfigurationId").asText());
            }
        });
        return named;
    }

    /** The routes of the user's own files, and the router of the template's provider. */
    private static Set<String> directs(Path users) throws IOException {
        Set<String> directs = new HashSet<>(Set.of("direct:{{provider}}"));
        for (String name : names(users)) {
            if (name.endsWith(".camel.yaml")) {
                for (JsonNode entry : read(Files.readString(users.resolve(name)))) {
                    directs.add("direct:" + entry.at("/route/id").asText());
                }
            }
        }
        return directs;
    }

    private static void walk(JsonNode node, Consumer<JsonNode> visitor) {
        visitor.accept(node);
        node.forEach(child -> walk(child, visitor));
    }

    private static void checkStyle(String text, Consumer<String> breach) {
        LoaderOptions options = new LoaderOptions();
        options.setProcessComments(true);
        CollectionStartEvent flow = null;
        for (Event event : new Yaml(options).parse(new StringReader(text))) {
            if (event instanceof CommentEvent comment && !comment.getValue().isBlank()) {
                breach.accept("has a comment, which an editor would drop; it belongs in a description");
            }
            // Only an empty map or list has no block style.
            if (flow != null && !(event instanceof CollectionEndEvent)) {
                breach.accept(
                        "is not in block style at line " + (flow.getStartMark().getLine() + 1));
            }
            flow = event instanceof CollectionStartEvent start && start.getFlowStyle() == DumperOptions.FlowStyle.FLOW
                    ? start
                    : null;
        }
    }

    private static JsonNode read(String text) {
        try {
            return YAML.readTree(text);
        } catch (IOException e) {
            return MissingNode.getInstance();
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names =
                    files.map(file -> file.getFileName().toString()).sorted().toList();
            assertThat(names).isNotEmpty();
            return names;
        }
    }

    private static JsonSchema schema() {
        InputStream in = RouteFilesTest.class.getResourceAsStream("/schema/camelYamlDsl.json");
        return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4).getSchema(in);
    }
}

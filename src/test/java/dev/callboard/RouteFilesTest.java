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
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.events.CommentEvent;
import org.yaml.snakeyaml.events.Event;

/** Each file in {@code routes/} is what Camel's schema says, and keeps the rules of the house. */
final class RouteFilesTest {
    private static final Path ROUTES = Path.of("routes");
    private static final YAMLMapper YAML = new YAMLMapper();
    private static final JsonSchema CAMEL = schema();
    /** Most files are the same in each copy. */
    private static final Map<String, Set<ValidationMessage>> CHECKED = new HashMap<>();

    private static final Pattern LEAVES = Pattern.compile("(jdbc|sql|smtps?|https?|vertx-http|file|kafka|jms):.*");

    @Test
    void theRoutesKeepEveryRule() throws IOException {
        assertThat(breaches(ROUTES)).isEmpty();
    }

    @Test
    void findsWhatCamelDoesNotKnow() throws IOException {
        assertFound("receive-fotor", "unmarshal:", "unmarchal:", "schema");
        assertFound("send-next-mail", "outputType: SelectOne", "\"a\": [", "YAML");
    }

    @Test
    void findsAFileWhoseNameIsNotItsId() throws IOException {
        assertFound("record-task", "id: record-task", "id: record", "id is not its name");
    }

    @Test
    void findsARouteThatDoesNotSayWhatItIsFor() throws IOException {
        assertFound(
                "send-alerts", "description: Looks every half second", "note: Looks every half second", "description");
    }

    @Test
    void findsAnUnnamedStepThatLeavesTheProcess() throws IOException {
        assertFound("hand-over-mail", "id: hand-over, ", "", "smtp:mail-server has no id");
        assertFound("list-tasks", "id: select-tasks, ", "", "jdbc:dataSource has no id");
    }

    @Test
    void findsAnIdThatIsThereTwice() throws IOException {
        assertFound("list-tasks", "id: select-tasks,", "id: select-task,", "select-task is there twice");
    }

    @Test
    void findsAnHttpPathThatAsksNobodyWhoIsCalling() throws IOException {
        assertFound("receive-fotor", "uri: bean:sourceCheck", "uri: bean:schemaCheck", "source check");
        assertFound("receive-fotor", "routeConfigurationId: answer-errors", "group: x", "answer-errors");
    }

    @Test
    void findsASubRouteThatTakesItsCallersErrors() throws IOException {
        assertFound("route-fotor", "noErrorHandler: {}", "defaultErrorHandler: {}", "noErrorHandler");
    }

    @Test
    void findsACommentThatAnEditorWouldDrop() throws IOException {
        assertFound("record-task", "      steps:", "      # by and by\n      steps:", "comment");
        assertFound("record-task", "      steps:", "      steps: # by and by", "comment");
    }

    @Test
    void findsASecondRouteInAFile() throws IOException {
        assertFound(
                "record-task",
                "- route:\n    id: record-task",
                "- route:\n    id: other\n    from:\n      uri: timer:x\n      steps: []\n- route:\n    id: record-task",
                "one route");
    }

    /** Breaks a copy of the routes in one place. */
    private static void assertFound(String name, String from, String to, String breach) throws IOException {
        Path copy = TestCallboard.newFolder();
        for (Path file : files(ROUTES)) {
            Files.copy(file, copy.resolve(file.getFileName()));
        }
        Path broken = copy.resolve(name + ".camel.yaml");
        String text = Files.readString(broken);
        assertThat(text).contains(from);
        Files.writeString(broken, text.replaceFirst(Pattern.quote(from), to));
        assertThat(breaches(copy)).anySatisfy(found -> assertThat(found).contains(breach));
    }

    private static List<String> breaches(Path folder) throws IOException {
        List<String> breaches = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        for (Path file : files(folder)) {
            for (String breach : breaches(Files.readString(file), nameOf(file), ids)) {
                breaches.add(file.getFileName() + ": " + breach);
            }
        }
        return breaches;
    }

    private static List<String> breaches(String text, String name, Set<String> ids) {
        List<String> breaches = new ArrayList<>();
        JsonNode file = read(text);
        if (file.isMissingNode()) {
            return List.of("is no YAML");
        }
        for (ValidationMessage message : CHECKED.computeIfAbsent(text, t -> CAMEL.validate(file))) {
            breaches.add("is not what Camel's schema says: " + message.getMessage());
        }
        if (hasComment(text)) {
            breaches.add("has a comment; an editor would drop it, so it belongs in a description");
        }
        JsonNode only = file.size() == 1 && file.get(0).size() == 1
                ? file.get(0).elements().next()
                : YAML.createObjectNode();
        boolean isRoute = file.at("/0/route").isObject()
                || file.at("/0/routeConfiguration").isObject();
        if (!isRoute || file.size() != 1) {
            breaches.add("is not one route or one routeConfiguration");
        }
        if (!only.path("id").asText().equals(name)) {
            breaches.add("its id is not its name");
        }
        if (only.path("description").asText().isBlank()) {
            breaches.add("has no description");
        }
        String from = only.at("/from/uri").asText();
        if (from.startsWith("direct:")
                && only.at("/errorHandler/noErrorHandler").isMissingNode()) {
            breaches.add("is a sub-route without noErrorHandler");
        }
        if (from.startsWith("direct:") && !from.equals("direct:" + name)) {
            breaches.add("is reached at " + from);
        }
        if (from.startsWith("platform-http:")) {
            if (!only.path("routeConfigurationId").asText().equals("answer-errors")) {
                breaches.add("opens an HTTP path but does not name answer-errors");
            }
            boolean checks = false;
            for (JsonNode step : only.at("/from/steps")) {
                checks |= step.at("/to/uri").asText().equals("bean:sourceCheck")
                        && step.at("/to/parameters/method").asText().equals("admit");
            }
            if (!checks) {
                breaches.add("opens an HTTP path without the source check");
            }
        }
        checkIds(only, ids, breaches);
        return breaches;
    }

    private static JsonNode read(String text) {
        try {
            return YAML.readTree(text);
        } catch (IOException e) {
            return MissingNode.getInstance();
        }
    }

    private static void checkIds(JsonNode node, Set<String> ids, List<String> breaches) {
        if (node.isObject()) {
            String id = node.path("id").asText();
            String uri = node.path("uri").asText();
            if (!id.isEmpty() && !ids.add(id)) {
                breaches.add("the id " + id + " is there twice");
            }
            if (id.isEmpty() && LEAVES.matcher(uri).matches()) {
                breaches.add("the step " + uri + " has no id");
            }
        }
        for (Map.Entry<String, JsonNode> child : node.properties()) {
            if (!child.getKey().equals("parameters")) {
                checkIds(child.getValue(), ids, breaches);
            }
        }
        if (node.isArray()) {
            node.forEach(child -> checkIds(child, ids, breaches));
        }
    }

    private static boolean hasComment(String text) {
        LoaderOptions options = new LoaderOptions();
        options.setProcessComments(true);
        for (Event event : new Yaml(options).parse(new StringReader(text))) {
            if (event instanceof CommentEvent comment && !comment.getValue().isBlank()) {
                return true;
            }
        }
        return false;
    }

    private static Iterable<Path> files(Path folder) throws IOException {
        Map<String, Path> files = new TreeMap<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "*.camel.yaml")) {
            found.forEach(file -> files.put(nameOf(file), file));
        }
        assertThat(files).isNotEmpty();
        return files.values();
    }

    private static String nameOf(Path file) {
        return file.getFileName().toString().replace(".camel.yaml", "");
    }

    private static JsonSchema schema() {
        InputStream in = RouteFilesTest.class.getResourceAsStream("/schema/camelYamlDsl.json");
        return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4).getSchema(in);
    }
}

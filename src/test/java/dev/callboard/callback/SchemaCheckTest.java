package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The check of a body against a schema: what it finds, that its time is linear, and which schemas stop the start. */
class SchemaCheckTest {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** About 1 MiB, the longest body by default; without the guard the validator takes from a minute to hours. */
    private static final Duration LIMIT = Duration.ofSeconds(5);

    @TempDir
    private Path folder;

    private SchemaCheck check(String schema) {
        try {
            Files.writeString(folder.resolve("easel.schema.json"), schema.replace('\'', '"'));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return new SchemaCheck(folder, Set.of("easel"));
    }

    /** The problems of a body; empty if it is valid. */
    private static List<InvalidCallbackException.Problem> problems(SchemaCheck check, JsonNode body) {
        try {
            check.check("easel", body);
            return List.of();
        } catch (InvalidCallbackException e) {
            return e.problems();
        }
    }

    private static String shipped(String provider) throws IOException {
        return Files.readString(Path.of("routes", provider + ".schema.json"));
    }

    @Test
    void checksALongIdInLinearTime() throws IOException {
        for (String provider : List.of("fotor", "creatify")) {
            SchemaCheck check = check(shipped(provider));
            ObjectNode body = NODES.objectNode();
            body.put(provider.equals("fotor") ? "taskId" : "id", "x".repeat(1_000_000) + "\u0001");
            body.put("status", 1);
            assertThat(assertTimeoutPreemptively(LIMIT, () -> problems(check, body)))
                    .isNotEmpty();
        }
    }

    static Stream<Arguments> hostile() {
        return Stream.of(
                hostile(
                        "a pattern that backtracks",
                        "{'pattern': '^(a+)+$'}",
                        n -> NODES.textNode("a".repeat(n) + "!")),
                hostile(
                        "a pattern that backtracks quadratically",
                        "{'pattern': '[^x]*y[^x]*z'}",
                        n -> NODES.textNode("y".repeat(n))),
                hostile(
                        "a pattern for names",
                        "{'patternProperties': {'^(a|a)*$': {'type': 'string'}}}",
                        n -> NODES.objectNode().put("a".repeat(n) + "!", 1)),
                hostile(
                        "names that match a pattern",
                        "{'propertyNames': {'pattern': '(b*)*c'}}",
                        n -> NODES.objectNode().put("b".repeat(n), 1)),
                hostile("a million wrong items", "{'items': {'type': 'string'}}", n -> ints(n / 2)),
                hostile("a million names", "{'propertyNames': {'maxLength': 1}}", n -> IntStream.range(0, n / 10)
                        .collect(NODES::objectNode, (object, i) -> object.put("n" + i, i), ObjectNode::setAll)),
                hostile(
                        "ten absent fields in each item",
                        "{'items': {'required': ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']}}",
                        n -> IntStream.range(0, n / 3)
                                .collect(NODES::arrayNode, (array, i) -> array.addObject(), ArrayNode::addAll)),
                hostile("unexpected names", "{'additionalProperties': false}", n -> IntStream.range(0, n / 10)
                        .collect(NODES::objectNode, (object, i) -> object.put("n" + i, i), ObjectNode::setAll)),
                hostile(
                        "values with equal hash codes",
                        "{'items': {'enum': ['x', 1, [1, 2], {'a': 1}]}}",
                        n -> colliding(n / 23)),
                hostile(
                        "names with equal hash codes",
                        "{'properties': {'Aa': {'type': 'null'}}, 'additionalProperties': {'const': 1}}",
                        n -> {
                            ObjectNode object = NODES.objectNode();
                            colliding(n / 26).forEach(name -> object.put(name.textValue(), 1));
                            return object;
                        }),
                hostile(
                        "nesting",
                        "{'$defs': {'leaf': {'type': 'array'}}, 'items': {'items': {'$ref': '#/$defs/leaf'}}}",
                        n -> {
                            JsonNode nested = NODES.arrayNode();
                            for (int i = 0; i < 990; i++) {
                                nested = NODES.arrayNode().add(nested);
                            }
                            return nested;
                        }),
                hostile(
                        "references that double",
                        "{'$defs': {'a': {'allOf': [{'$ref': '#/$defs/b'}, {'$ref': '#/$defs/b'}]},"
                                + " 'b': {'allOf': [{'$ref': '#/$defs/c'}, {'$ref': '#/$defs/c'}]},"
                                + " 'c': {'items': {'type': 'string'}}}, '$ref': '#/$defs/a'}",
                        n -> ints(n / 2)),
                hostile(
                        "a format, which is only a comment",
                        "{'format': 'email'}",
                        n -> NODES.textNode("a@".repeat(n / 2))),
                hostile("a number of a thousand digits", "{'items': {'minimum': 0.1}}", n -> {
                    JsonNode number = NODES.numberNode(java.math.BigInteger.TEN.pow(999));
                    ArrayNode numbers = NODES.arrayNode();
                    for (int i = 0; i < n / 1000; i++) {
                        numbers.add(number);
                    }
                    return numbers;
                }));
    }

    private static Arguments hostile(String name, String schema, IntFunction<JsonNode> body) {
        return Arguments.of(name, schema, body);
    }

    private static ArrayNode ints(int count) {
        ArrayNode items = NODES.arrayNode(count);
        for (int i = 0; i < count; i++) {
            items.add(1);
        }
        return items;
    }

    /** Different texts that all have the same hash code: "Aa" and "BB" have. */
    private static ArrayNode colliding(int count) {
        ArrayNode items = NODES.arrayNode(count);
        for (int i = 0; i < count; i++) {
            int bits = i;
            items.add(IntStream.range(0, 20)
                    .mapToObj(bit -> (bits >> bit & 1) == 0 ? "Aa" : "BB")
                    .collect(Collectors.joining()));
        }
        return items;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("hostile")
    void takesTimeLinearInTheBody(String name, String schema, IntFunction<JsonNode> body) {
        SchemaCheck check = check(schema);
        JsonNode longest = body.apply(1_048_576);
        assertThat(assertTimeoutPreemptively(LIMIT, () -> problems(check, longest)))
                .as("bounded, however much is wrong")
                .hasSizeLessThanOrEqualTo(10);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {'type': 'objekt'}                          | /type: does not have a value in the enumeration
                    {'requierd': ['id']}                        | /requierd: the keyword is unknown or not supported
                    {'properties': {'a': {'uniqueItems': true}}} | /properties/a/uniqueItems: the keyword is unknown
                    {'unevaluatedProperties': false}            | /unevaluatedProperties: the keyword is unknown
                    {'multipleOf': 0.01}                        | /multipleOf: the keyword is unknown
                    {'$dynamicRef': '#x'}                       | /$dynamicRef: the keyword is unknown
                    {'properties': {'a': {'$ref': '#'}}}        | /properties/a/$ref: the reference leads back to itself
                    {'properties': {'a': {'items': {'$ref': '#/properties/a'}}}} | /properties/a/items/$ref: the reference leads
                    {'$ref': '#/$defs/a', '$defs': {'a': {'items': {'$ref': '#/$defs/b'}}, 'b': {'items': {'$ref': '#/$defs/a'}}}} | leads back to itself
                    {'$ref': '#/$defs/a'}                       | /$ref: there is no #/$defs/a
                    {'$ref': 'https://example.org/x.json'}      | /$ref: only a reference within the file
                    {'$schema': 'http://json-schema.org/draft-07/schema#'} | /$schema: only https://json-schema.org/draft/2020-12/schema
                    {'$defs': {'a': {'$id': 'http://example.org/a'}}} | /$defs/a/$id: is supported at the beginning
                    {'pattern': '(?=x)'}                        | /pattern: '(?=x)' is no regular expression as RE2 has them
                    {'pattern': '(a)\\\\1'}                     | without look-around and back-references
                    {'patternProperties': {'[': true}}          | /patternProperties: '[' is no regular expression
                    {'minLength': -1}                           | /minLength: must have a minimum value of 0
                    {'required': 'id'}                          | /required: string found, array expected
                    {'anyOf': []}                               | /anyOf: must have at least 1 items
                    {'properties': {'a': 1}}                    | /properties/a: integer found, [object, boolean] expected
                    {'anyOf': [{'items': {'type': 'string'}}]}  | /anyOf/0/items: an alternative
                    {'items': {'anyOf': [{'type': 'string'}]}}  | /items/anyOf: an alternative
                    {'items': {'$ref': '#/$defs/a'}, '$defs': {'a': {'not': {}}}} | /$defs/a/not: an alternative
                    {'a': 1                                     | : is no JSON at line 1, column
                    {'type': 'object', 'type': 'array'}         | Duplicate field 'type'
                    1                                           | integer found, [object, boolean] expected
                    """)
    void stopsTheStartForASchemaThatIsNoneOrThatCouldTakeLong(String schema, String message) {
        assertThatThrownBy(() -> check(schema))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(folder.resolve("easel.schema.json").toString())
                .hasMessageContaining(message);
    }

    @Test
    void stopsTheStartForASchemaWhoseReferencesMultiply() {
        StringBuilder definitions = new StringBuilder();
        for (int i = 0; i < 30; i++) {
            definitions.append(
                    "'d%1$d': {'allOf': [{'$ref': '#/$defs/d%2$d'}, {'$ref': '#/$defs/d%2$d'}]}, ".formatted(i, i + 1));
        }
        String schema = "{'$ref': '#/$defs/d0', '$defs': {" + definitions + "'d30': {'type': 'string'}}}";
        assertThatThrownBy(() -> assertTimeoutPreemptively(LIMIT, () -> check(schema)))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("more than 1000 rules");
    }

    @ParameterizedTest(name = "{0} characters of {1} UTF-16 units are valid: {2}")
    @CsvSource({"200, 1, true", "201, 1, false", "100, 2, true", "101, 2, false", "200, 2, false"})
    void countsTheLengthOfAnIdInUtf16Units(int characters, int units, boolean valid) throws IOException {
        String id = (units == 1 ? "\u00e4" : "\ud83d\ude00").repeat(characters);
        ObjectNode body = NODES.objectNode().put("taskId", id).put("status", 1);
        assertThat(problems(check(shipped("fotor")), body))
                .isEqualTo(
                        valid
                                ? List.of()
                                : List.of(new InvalidCallbackException.Problem(
                                        "/taskId", "to have at most 200 characters")));
    }

    @Test
    void namesAFieldOnOneShortLine() {
        ObjectNode body = NODES.objectNode().put("a/b~c\r\n\u2028" + "x".repeat(5000), 1);
        assertThat(problems(check("{'additionalProperties': {'type': 'string'}}"), body))
                .singleElement()
                .satisfies(problem -> assertThat(problem.field())
                        .startsWith("/a~1b~0c")
                        .doesNotContainPattern("[\r\n\u2028]")
                        .hasSizeLessThanOrEqualTo(200));
    }

    @Test
    void saysThatThereIsNoSuchProvider() {
        SchemaCheck check = check("{}");
        assertThatThrownBy(() -> check.check("removed", NODES.objectNode()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no provider 'removed'");
        assertThatThrownBy(() -> check.check(null, NODES.objectNode())).isInstanceOf(IllegalArgumentException.class);
    }
}

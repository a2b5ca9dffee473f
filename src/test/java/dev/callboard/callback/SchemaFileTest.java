package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.StartException;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A schema that is none, or that does not say what its author meant. */
final class SchemaFileTest {
    private static Path file;

    @BeforeAll
    static void create() throws IOException {
        file = TestCallboard.newFolder().resolve("easel.schema.json");
    }

    private static void check(String schema) throws IOException {
        Files.writeString(file, schema);
        SchemaFile.check(file);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"type": "objekt"}                                    | /type: ; "objekt"
                    {"properties": {"a/b": {"type": "strin"}}}            | /properties/a~1b/type: ; "strin"
                    {"required": "taskId"}                                | /required: ; "taskId"
                    {"properties": {"a": {"minLength": -1}}}              | /properties/a/minLength: ; -1
                    {"properties": {"a": 1}}                              | /properties/a: ; 1
                    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "objekt"} | /type: ; "objekt"
                    {"$schema": "https://json-schema.org/draft/2020-13/schema"} | /$schema: ; is none of
                    {"requried": ["taskId"]}                              | /requried: ; did you mean required?
                    {"allOf": [{}, {"propertys": {}}]}                    | /allOf/1/propertys: ; did you mean properties?
                    {"properties": {"a": {"maxlength": 1}}}               | /properties/a/maxlength: ; did you mean maxLength?
                    {"$defs": {"a": {"items": {"patern": "a"}}}}          | /$defs/a/items/patern: ; did you mean pattern?
                    {"type": "object", "type": "array"}                   | line 1, column 26: ; Duplicate field 'type'
                    {"type": "object"                                     | line 1, column ; end-of-input
                    {} {}                                                 | line 1, column ; Trailing token
                    """)
    void namesThePlaceOfAMistake(String schema, String parts) {
        String[] part = parts.split("; ", -1);
        assertThatThrownBy(() -> check(schema))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(file + ": " + part[0])
                .hasMessageContaining(part[1]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "true",
                "{\"properties\": {\"requried\": {\"type\": [\"string\", \"null\"]}}}",
                "{\"x-note\": 1, \"$comment\": \"\", \"examples\": [{\"requried\": 1}], \"const\": {\"typ\": 1}}",
                "{\"$schema\": \"http://json-schema.org/draft-07/schema\", \"definitions\": {}, \"items\": [{}]}",
            })
    void takesASchema(String schema) throws IOException {
        try (Logged log = new Logged()) {
            check(schema);
            assertThat(log.lines("keyword")).isEmpty();
        }
    }

    @Test
    void warnsOfAnUnknownKeywordThatResemblesNone() throws IOException {
        try (Logged log = new Logged()) {
            check("{\"properties\": {\"a\": {\"nullable\": true}}}");
            assertThat(log.lines("unknown keyword"))
                    .isEqualTo(List.of("WARN unknown keyword file=" + file
                            + " pointer=/properties/a/nullable (JSON Schema ignores it; correct or remove it)"));
        }
    }
}

package dev.callboard.callback;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.callboard.text.Similar;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Decides whether a schema may be used: whether its check takes time and memory linear in the body, whatever the body is.
 * The validator alone does not promise that. It evaluates recursive references exponentially often, compares items
 * pairwise, and keeps a message for each value that does not match an alternative. So the guard rejects
 *
 * <ul>
 *   <li>keywords that take longer than linear time, and unknown ones, which may be typing errors;
 *   <li>a reference that leads back to itself, and more than {@value #MAX_RULES} rules with all references followed, so that
 *       each rule checks each value once;
 *   <li>alternatives in a rule for any number of values, and such a rule in an alternative;
 *   <li>patterns that RE2/J, whose time is linear, does not have.
 * </ul>
 *
 * <p>Used once, by one thread.
 */
final class SchemaGuard {
    /** A schema of a callback has some ten. */
    static final int MAX_RULES = 1000;

    /** How the value of a keyword is made up of schemas. */
    private enum Content {
        NO_SCHEMA,
        SCHEMA,
        LIST,
        MAP
    }

    private static final Map<String, Content> KEYWORDS = Map.ofEntries(
            Map.entry("$schema", Content.NO_SCHEMA),
            Map.entry("$id", Content.NO_SCHEMA),
            Map.entry("$comment", Content.NO_SCHEMA),
            Map.entry("title", Content.NO_SCHEMA),
            Map.entry("description", Content.NO_SCHEMA),
            Map.entry("default", Content.NO_SCHEMA),
            Map.entry("examples", Content.NO_SCHEMA),
            Map.entry("deprecated", Content.NO_SCHEMA),
            Map.entry("format", Content.NO_SCHEMA),
            Map.entry("$ref", Content.NO_SCHEMA),
            Map.entry("$defs", Content.MAP),
            Map.entry("type", Content.NO_SCHEMA),
            Map.entry("const", Content.NO_SCHEMA),
            Map.entry("enum", Content.NO_SCHEMA),
            Map.entry("pattern", Content.NO_SCHEMA),
            Map.entry("minLength", Content.NO_SCHEMA),
            Map.entry("maxLength", Content.NO_SCHEMA),
            Map.entry("minimum", Content.NO_SCHEMA),
            Map.entry("maximum", Content.NO_SCHEMA),
            Map.entry("exclusiveMinimum", Content.NO_SCHEMA),
            Map.entry("exclusiveMaximum", Content.NO_SCHEMA),
            Map.entry("required", Content.NO_SCHEMA),
            Map.entry("dependentRequired", Content.NO_SCHEMA),
            Map.entry("minProperties", Content.NO_SCHEMA),
            Map.entry("maxProperties", Content.NO_SCHEMA),
            Map.entry("minItems", Content.NO_SCHEMA),
            Map.entry("maxItems", Content.NO_SCHEMA),
            Map.entry("properties", Content.MAP),
            Map.entry("patternProperties", Content.MAP),
            Map.entry("additionalProperties", Content.SCHEMA),
            Map.entry("propertyNames", Content.SCHEMA),
            Map.entry("prefixItems", Content.LIST),
            Map.entry("items", Content.SCHEMA),
            Map.entry("allOf", Content.LIST),
            Map.entry("anyOf", Content.LIST),
            Map.entry("oneOf", Content.LIST),
            Map.entry("not", Content.SCHEMA),
            Map.entry("if", Content.SCHEMA),
            Map.entry("then", Content.SCHEMA),
            Map.entry("else", Content.SCHEMA));

    private static final Set<String> FOR_ANY_NUMBER =
            Set.of("items", "patternProperties", "additionalProperties", "propertyNames");
    private static final Set<String> ALTERNATIVES = Set.of("anyOf", "oneOf", "not", "if", "then", "else");

    private final JsonNode document;
    private final Set<String> openReferences = new HashSet<>();
    private int rules;

    private SchemaGuard(JsonNode document) {
        this.document = document;
    }

    /**
     * Checks a schema that is valid otherwise.
     *
     * @throws IllegalArgumentException if it may not be used; the message begins with the place, as a JSON Pointer
     */
    static void check(JsonNode schema) {
        new SchemaGuard(schema).checkSchema(schema, "", new Within(false, false));
    }

    /** What a rule is part of. */
    private record Within(boolean anyNumber, boolean alternative) {
        Within keyword(String keyword) {
            return new Within(
                    anyNumber || FOR_ANY_NUMBER.contains(keyword), alternative || ALTERNATIVES.contains(keyword));
        }
    }

    private void checkSchema(JsonNode schema, String place, Within within) {
        if (++rules > MAX_RULES) {
            throw error(place, "the schema has more than " + MAX_RULES + " rules, references included");
        }
        for (Map.Entry<String, JsonNode> part : schema.properties()) {
            checkKeyword(part.getKey(), part.getValue(), place + "/" + part.getKey(), within.keyword(part.getKey()));
        }
    }

    private void checkKeyword(String keyword, JsonNode value, String place, Within within) {
        Content content = KEYWORDS.get(keyword);
        if (content == null) {
            throw error(
                    place,
                    "the keyword is unknown or not supported"
                            + Similar.nearest(keyword, KEYWORDS.keySet())
                                    .map(known -> "; did you mean " + known + "?")
                                    .orElse(""));
        }
        if (within.anyNumber() && within.alternative()) {
            throw error(
                    place,
                    "an alternative (anyOf, oneOf, not, if) and a rule for any number of values (items,"
                            + " additionalProperties, patternProperties, propertyNames) can't be one inside the other");
        }
        switch (keyword) {
            case "$id", "$schema" -> {
                // Elsewhere it would give the references below it another meaning.
                if (!place.equals("/" + keyword)) {
                    throw error(place, "is supported at the beginning of the file only");
                }
            }
            case "$ref" -> checkReference(value.textValue(), place, within);
            case "pattern" -> checkPattern(value.textValue(), place);
            case "patternProperties" -> value.fieldNames().forEachRemaining(name -> checkPattern(name, place));
            default -> {
                // It has neither a reference nor a pattern of its own.
            }
        }
        switch (content) {
            case SCHEMA -> checkSchema(value, place, within);
            case LIST -> {
                for (int i = 0; i < value.size(); i++) {
                    checkSchema(value.get(i), place + "/" + i, within);
                }
            }
            case MAP ->
                value.properties()
                        .forEach(field -> checkSchema(field.getValue(), place + "/" + field.getKey(), within));
            case NO_SCHEMA -> {
                // Nothing is inside.
            }
        }
    }

    private void checkReference(String reference, String place, Within within) {
        if (!reference.startsWith("#")) {
            throw error(place, "only a reference within the file, as #/$defs/name, is supported");
        }
        String target = reference.substring(1);
        JsonNode schema = target.isEmpty() || target.startsWith("/") ? document.at(target) : MissingNode.getInstance();
        if (schema.isMissingNode()) {
            throw error(place, "there is no " + reference);
        }
        if (place.startsWith(target + "/") || !openReferences.add(target)) {
            throw error(place, "the reference leads back to itself");
        }
        checkSchema(schema, target, within);
        openReferences.remove(target);
    }

    private static void checkPattern(String pattern, String place) {
        try {
            Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            throw error(
                    place,
                    "'" + pattern + "' is no regular expression as RE2 has them, without look-around and"
                            + " back-references (" + e.getMessage() + ")");
        }
    }

    private static IllegalArgumentException error(String place, String what) {
        return new IllegalArgumentException(place + ": " + what);
    }
}

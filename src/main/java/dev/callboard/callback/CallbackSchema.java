package dev.callboard.callback;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.callboard.callback.InvalidCallbackException.Problem;
import dev.callboard.text.SafeText;
import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;

/**
 * A JSON Schema (2020-12) that checks a body in time and memory linear in the body, whatever the schema and the body are.
 * Immutable, and safe for use by any number of threads.
 *
 * <p>No library is used, since none promises that: validators backtrack in patterns, evaluate recursive references
 * exponentially often, compare items pairwise, and keep a message for each of a million wrong items. Here
 *
 * <ul>
 *   <li>patterns are matched by RE2/J, whose time is linear;
 *   <li>references are followed when the schema is read. One that leads back to itself is rejected, and so is a schema that
 *       has more than {@value #MAX_RULES} rules then. So each rule sees each value of the body at most once;
 *   <li>keywords whose check takes longer are rejected, and so are unknown ones, which may be typing errors;
 *   <li>at most {@value #MAX_PROBLEMS} problems are kept.
 * </ul>
 *
 * <p>In one point it differs from the standard: the length of a text is its number of UTF-16 units, as in the tables.
 */
final class CallbackSchema {
    /** How many problems are named: a hostile body could have thousands. */
    static final int MAX_PROBLEMS = 10;

    /** A schema of a callback has some ten. It also bounds the depth of calls. */
    static final int MAX_RULES = 1000;

    private static final int MAX_FIELD = 200;
    private static final String DIALECT = "https://json-schema.org/draft/2020-12/schema";
    private static final Set<String> ANNOTATIONS = Set.of(
            "$schema",
            "$comment",
            "title",
            "description",
            "default",
            "examples",
            "deprecated",
            "readOnly",
            "writeOnly",
            "format");
    private static final List<String> TYPES =
            List.of("array", "boolean", "integer", "null", "number", "object", "string");

    private final Rule root;

    private CallbackSchema(Rule root) {
        this.root = root;
    }

    /**
     * Reads a schema.
     *
     * @throws IllegalArgumentException if it is none, or uses what is not supported; the message names the place
     */
    static CallbackSchema of(JsonNode schema) {
        return new CallbackSchema(new Reader(schema).rule(schema, ""));
    }

    /** What is wrong with a body; empty if it is valid. */
    List<Problem> check(JsonNode body) {
        Evaluation evaluation = new Evaluation();
        root.test(body, evaluation);
        return evaluation.problems;
    }

    /** A part of a schema. */
    @FunctionalInterface
    private interface Rule {
        /** Whether a value is valid; if not, adds what is expected. */
        boolean test(JsonNode value, Evaluation evaluation);

        /** A rule with a fixed text of what is expected. */
        static Rule of(String expected, BiPredicate<JsonNode, Evaluation> valid) {
            return (value, evaluation) -> valid.test(value, evaluation) || evaluation.problem(expected);
        }
    }

    /** The state of checking one body. */
    private static final class Evaluation {
        private final List<Problem> problems = new ArrayList<>();
        private final Deque<String> path = new ArrayDeque<>();
        /** In how many alternatives the check is, whose problems are not those of the body. */
        private int muted;

        /** Adds a problem of the current place; returns false. */
        boolean problem(String expected) {
            if (muted == 0 && problems.size() < MAX_PROBLEMS) {
                StringBuilder pointer = new StringBuilder();
                path.descendingIterator().forEachRemaining(name -> pointer.append('/')
                        .append(name.replace("~", "~0").replace("/", "~1")));
                problems.add(new Problem(SafeText.line(pointer.toString(), MAX_FIELD), expected));
            }
            return false;
        }

        boolean at(String name, JsonNode value, Rule rule) {
            path.push(name);
            boolean valid = rule.test(value, this);
            path.pop();
            return valid;
        }

        boolean muted(JsonNode value, Rule rule) {
            muted++;
            boolean valid = rule.test(value, this);
            muted--;
            return valid;
        }
    }

    /** Turns a schema into rules, with each reference replaced by its target. */
    private static final class Reader {
        private final JsonNode document;
        private final Set<String> openReferences = new HashSet<>();
        private int rules;

        Reader(JsonNode document) {
            this.document = document;
        }

        private static IllegalArgumentException error(String place, String what) {
            return new IllegalArgumentException((place.isEmpty() ? "" : place + ": ") + what);
        }

        /** @param place of the schema in its file, as a JSON Pointer */
        Rule rule(JsonNode schema, String place) {
            if (++rules > MAX_RULES) {
                throw error(place, "the schema has more than " + MAX_RULES + " rules, references included");
            }
            if (schema.isBoolean()) {
                return Rule.of("to be absent", (value, evaluation) -> schema.booleanValue());
            }
            if (!schema.isObject()) {
                throw error(place, "a schema is expected, which is an object, true or false");
            }
            List<Rule> parts = new ArrayList<>();
            schema.fieldNames().forEachRemaining(keyword -> {
                Rule part = part(schema, keyword, place + "/" + keyword);
                if (part != null) {
                    parts.add(part);
                }
            });
            return all(parts);
        }

        private static Rule all(List<Rule> rules) {
            return (value, evaluation) -> {
                boolean valid = true;
                for (Rule rule : rules) {
                    valid &= rule.test(value, evaluation);
                }
                return valid;
            };
        }

        /** The rule of a keyword; null if it needs none, or is part of another keyword's. */
        private Rule part(JsonNode schema, String keyword, String place) {
            JsonNode wanted = schema.get(keyword);
            return switch (keyword) {
                case "$ref" -> reference(text(wanted, place), place);
                case "$id" -> {
                    if (!place.equals("/$id")) {
                        throw error(place, "is supported at the beginning of the file only");
                    }
                    yield null;
                }
                case "$defs", "definitions" -> {
                    schemas(wanted, place);
                    yield null;
                }
                case "type" -> type(wanted, place);
                case "const" -> Rule.of("to be " + plain(wanted), (value, evaluation) -> equal(wanted, value));
                case "enum" -> {
                    List<JsonNode> values = elements(wanted, place);
                    yield Rule.of("to be one of " + wanted, (value, evaluation) -> values.stream()
                            .anyMatch(one -> equal(one, value)));
                }
                case "pattern" -> pattern(wanted, schema, place);
                case "minLength" -> {
                    int min = size(wanted, place);
                    yield textLength("to have at least " + min + " characters", length -> length >= min);
                }
                case "maxLength" -> {
                    int max = size(wanted, place);
                    yield textLength("to have at most " + max + " characters", length -> length <= max);
                }
                case "minimum" -> number("to be at least ", wanted, place, comparison -> comparison >= 0);
                case "maximum" -> number("to be at most ", wanted, place, comparison -> comparison <= 0);
                case "exclusiveMinimum" -> number("to be more than ", wanted, place, comparison -> comparison > 0);
                case "exclusiveMaximum" -> number("to be less than ", wanted, place, comparison -> comparison < 0);
                case "required" -> required(names(wanted, place));
                case "dependentRequired" -> dependentRequired(wanted, place);
                case "properties", "patternProperties" -> properties(schema, place, keyword);
                case "additionalProperties" -> additionalProperties(schema, place);
                case "propertyNames" -> propertyNames(rule(wanted, place));
                case "dependentSchemas" -> dependentSchemas(schemas(wanted, place));
                case "minProperties" -> {
                    int min = size(wanted, place);
                    yield Rule.of(
                            "to have at least " + min + " fields",
                            (value, evaluation) -> !value.isObject() || value.size() >= min);
                }
                case "maxProperties" -> {
                    int max = size(wanted, place);
                    yield Rule.of(
                            "to have at most " + max + " fields",
                            (value, evaluation) -> !value.isObject() || value.size() <= max);
                }
                case "minItems" -> {
                    int min = size(wanted, place);
                    yield Rule.of(
                            "to have at least " + min + " items",
                            (value, evaluation) -> !value.isArray() || value.size() >= min);
                }
                case "maxItems" -> {
                    int max = size(wanted, place);
                    yield Rule.of(
                            "to have at most " + max + " items",
                            (value, evaluation) -> !value.isArray() || value.size() <= max);
                }
                case "prefixItems" -> prefixItems(list(wanted, place));
                case "items" ->
                    items(rule(wanted, place), schema.path("prefixItems").size());
                case "contains" -> contains(schema, place);
                case "minContains", "maxContains" -> {
                    size(wanted, place);
                    yield null;
                }
                case "allOf" -> all(list(wanted, place));
                case "anyOf" -> {
                    List<Rule> alternatives = list(wanted, place);
                    yield Rule.of(
                            "to match one of the alternatives in the schema",
                            (value, evaluation) ->
                                    alternatives.stream().anyMatch(rule -> evaluation.muted(value, rule)));
                }
                case "oneOf" -> {
                    List<Rule> alternatives = list(wanted, place);
                    yield Rule.of(
                            "to match exactly one of the alternatives in the schema",
                            (value, evaluation) -> alternatives.stream()
                                            .filter(rule -> evaluation.muted(value, rule))
                                            .count()
                                    == 1);
                }
                case "not" -> {
                    Rule rule = rule(wanted, place);
                    yield Rule.of(
                            "not to be what the schema excludes",
                            (value, evaluation) -> !evaluation.muted(value, rule));
                }
                case "if" -> condition(schema, place);
                case "then", "else" -> {
                    if (!schema.has("if")) {
                        throw error(place, "has no effect without if");
                    }
                    yield null;
                }
                case "$schema" -> {
                    if (!DIALECT.equals(wanted.textValue())) {
                        throw error(place, "only " + DIALECT + " is supported");
                    }
                    yield null;
                }
                default -> {
                    if (!ANNOTATIONS.contains(keyword)) {
                        throw error(place, "the keyword is unknown or not supported");
                    }
                    yield null;
                }
            };
        }

        private Rule reference(String reference, String place) {
            if (!reference.isEmpty() && !reference.startsWith("#/") && !reference.equals("#")) {
                throw error(place, "only a reference within the file, as #/$defs/name, is supported");
            }
            String target = reference.isEmpty() ? "" : reference.substring(1);
            JsonNode schema = document.at(JsonPointer.compile(target));
            if (schema.isMissingNode()) {
                throw error(place, "there is no " + reference);
            }
            if (target.isEmpty() || !openReferences.add(target) || place.startsWith(target + "/")) {
                throw error(place, "the reference leads back to itself; its check could take very long");
            }
            Rule rule = rule(schema, target);
            openReferences.remove(target);
            return rule;
        }

        private Rule type(JsonNode wanted, String place) {
            List<String> types = wanted.isArray() ? names(wanted, place) : List.of(text(wanted, place));
            for (String type : types) {
                if (!TYPES.contains(type)) {
                    throw error(place, "there is no type " + type + "; the types are " + String.join(", ", TYPES));
                }
            }
            return Rule.of("to be of type " + plain(wanted), (value, evaluation) -> types.stream()
                    .anyMatch(type -> isOfType(value, type)));
        }

        private static boolean isOfType(JsonNode value, String type) {
            return switch (type) {
                case "array" -> value.isArray();
                case "boolean" -> value.isBoolean();
                case "integer" -> value.isNumber() && value.canConvertToExactIntegral();
                case "null" -> value.isNull();
                case "number" -> value.isNumber();
                case "object" -> value.isObject();
                default -> value.isTextual();
            };
        }

        private static Rule textLength(String expected, IntPredicate valid) {
            return Rule.of(
                    expected,
                    (value, evaluation) ->
                            !value.isTextual() || valid.test(value.textValue().length()));
        }

        /** A text that is too long is not matched: linear time is still time. */
        private static Rule pattern(JsonNode wanted, JsonNode schema, String place) {
            Pattern pattern = compile(text(wanted, place), place);
            int max = schema.path("maxLength").asInt(Integer.MAX_VALUE);
            return Rule.of(
                    "to match " + plain(wanted),
                    (value, evaluation) -> !value.isTextual()
                            || value.textValue().length() > max
                            || pattern.matcher(value.textValue()).find());
        }

        private static Pattern compile(String pattern, String place) {
            try {
                return Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw error(
                        place,
                        "'" + pattern + "' is no regular expression as RE2 has them, without look-around and"
                                + " back-references (" + e.getMessage() + ")");
            }
        }

        private static Rule number(String expected, JsonNode wanted, String place, IntPredicate valid) {
            if (!wanted.isNumber()) {
                throw error(place, "a number is expected");
            }
            BigDecimal limit = wanted.decimalValue();
            return Rule.of(
                    expected + wanted, (value, evaluation) -> !value.isNumber() || valid.test(compare(value, limit)));
        }

        /** Compares numbers. One that is too large for a double, as 1e999, is read as infinite. */
        private static int compare(JsonNode number, BigDecimal limit) {
            return isInfinite(number)
                    ? Double.compare(number.doubleValue(), 0)
                    : number.decimalValue().compareTo(limit);
        }

        private static boolean isInfinite(JsonNode number) {
            return number.isFloatingPointNumber() && Double.isInfinite(number.doubleValue());
        }

        /** Whether a body has a value of the schema, in time that depends on the latter only. Equal numbers may be written differently. */
        private static boolean equal(JsonNode wanted, JsonNode value) {
            return wanted.equals(
                    (a, b) -> a.isNumber()
                                    && b.isNumber()
                                    && !isInfinite(a)
                                    && !isInfinite(b)
                                    && a.decimalValue().compareTo(b.decimalValue()) == 0
                            ? 0
                            : a.equals(b) ? 0 : 1,
                    value);
        }

        private static Rule required(List<String> names) {
            return (value, evaluation) -> {
                boolean valid = true;
                if (value.isObject()) {
                    for (String name : names) {
                        valid &= value.has(name)
                                || evaluation.at(name, value, (object, there) -> there.problem("to be present"));
                    }
                }
                return valid;
            };
        }

        private Rule dependentRequired(JsonNode wanted, String place) {
            Map<String, Rule> rules = new HashMap<>();
            object(wanted, place)
                    .properties()
                    .forEach(field ->
                            rules.put(field.getKey(), required(names(field.getValue(), place + "/" + field.getKey()))));
            return dependentSchemas(rules);
        }

        private static Rule dependentSchemas(Map<String, Rule> rules) {
            return (value, evaluation) -> {
                boolean valid = true;
                for (Map.Entry<String, Rule> rule : rules.entrySet()) {
                    valid &= !value.has(rule.getKey()) || rule.getValue().test(value, evaluation);
                }
                return valid;
            };
        }

        private Rule properties(JsonNode schema, String place, String keyword) {
            Map<String, Rule> rules = schemas(schema.get(keyword), place);
            if (keyword.equals("properties")) {
                return (value, evaluation) -> {
                    boolean valid = true;
                    for (Map.Entry<String, Rule> rule : rules.entrySet()) {
                        JsonNode field = value.isObject() ? value.get(rule.getKey()) : null;
                        valid &= field == null || evaluation.at(rule.getKey(), field, rule.getValue());
                    }
                    return valid;
                };
            }
            Map<Pattern, Rule> patterns = new HashMap<>();
            rules.forEach((name, rule) -> patterns.put(compile(name, place), rule));
            return fields((name, field, evaluation) -> {
                boolean valid = true;
                for (Map.Entry<Pattern, Rule> pattern : patterns.entrySet()) {
                    valid &= !pattern.getKey().matcher(name).find() || evaluation.at(name, field, pattern.getValue());
                }
                return valid;
            });
        }

        private Rule additionalProperties(JsonNode schema, String place) {
            Rule rule = rule(schema.get("additionalProperties"), place);
            JsonNode named = schema.path("properties");
            List<Pattern> patterns = new ArrayList<>();
            schema.path("patternProperties")
                    .fieldNames()
                    .forEachRemaining(pattern -> patterns.add(compile(pattern, place)));
            return fields((name, field, evaluation) -> named.has(name)
                    || patterns.stream()
                            .anyMatch(pattern -> pattern.matcher(name).find())
                    || evaluation.at(name, field, rule));
        }

        private static Rule propertyNames(Rule rule) {
            return fields((name, field, evaluation) -> evaluation.at(name, TextNode.valueOf(name), rule));
        }

        /** What is done for each field of an object. */
        @FunctionalInterface
        private interface FieldRule {
            boolean test(String name, JsonNode field, Evaluation evaluation);
        }

        private static Rule fields(FieldRule rule) {
            return (value, evaluation) -> {
                boolean valid = true;
                for (Map.Entry<String, JsonNode> field : value.properties()) {
                    valid &= rule.test(field.getKey(), field.getValue(), evaluation);
                }
                return valid;
            };
        }

        private static Rule prefixItems(List<Rule> rules) {
            return (value, evaluation) -> {
                boolean valid = true;
                for (int i = 0; value.isArray() && i < Math.min(rules.size(), value.size()); i++) {
                    valid &= evaluation.at(String.valueOf(i), value.get(i), rules.get(i));
                }
                return valid;
            };
        }

        private static Rule items(Rule rule, int first) {
            return (value, evaluation) -> {
                boolean valid = true;
                for (int i = first; value.isArray() && i < value.size(); i++) {
                    valid &= evaluation.at(String.valueOf(i), value.get(i), rule);
                }
                return valid;
            };
        }

        private Rule contains(JsonNode schema, String place) {
            Rule rule = rule(schema.get("contains"), place);
            int min = schema.path("minContains").asInt(1);
            int max = schema.path("maxContains").asInt(Integer.MAX_VALUE);
            return Rule.of(
                    "to contain " + min + (max == Integer.MAX_VALUE ? " or more" : " to " + max)
                            + " items that the schema describes",
                    (value, evaluation) -> {
                        if (!value.isArray()) {
                            return true;
                        }
                        int found = 0;
                        for (JsonNode item : value) {
                            found += evaluation.muted(item, rule) ? 1 : 0;
                        }
                        return found >= min && found <= max;
                    });
        }

        private Rule condition(JsonNode schema, String place) {
            Rule condition = rule(schema.get("if"), place);
            String parent = place.substring(0, place.length() - "if".length());
            Rule then = branch(schema, "then", parent);
            Rule otherwise = branch(schema, "else", parent);
            return (value, evaluation) ->
                    (evaluation.muted(value, condition) ? then : otherwise).test(value, evaluation);
        }

        private Rule branch(JsonNode schema, String keyword, String parent) {
            return schema.has(keyword) ? rule(schema.get(keyword), parent + keyword) : all(List.of());
        }

        private List<Rule> list(JsonNode wanted, String place) {
            List<Rule> list = new ArrayList<>();
            for (JsonNode schema : elements(wanted, place)) {
                list.add(rule(schema, place + "/" + list.size()));
            }
            return list;
        }

        private Map<String, Rule> schemas(JsonNode wanted, String place) {
            Map<String, Rule> schemas = new HashMap<>();
            object(wanted, place)
                    .properties()
                    .forEach(
                            field -> schemas.put(field.getKey(), rule(field.getValue(), place + "/" + field.getKey())));
            return schemas;
        }

        private static JsonNode object(JsonNode wanted, String place) {
            if (!wanted.isObject()) {
                throw error(place, "an object is expected");
            }
            return wanted;
        }

        private static List<JsonNode> elements(JsonNode wanted, String place) {
            if (!wanted.isArray() || wanted.isEmpty()) {
                throw error(place, "a list is expected that is not empty");
            }
            List<JsonNode> elements = new ArrayList<>();
            wanted.forEach(elements::add);
            return elements;
        }

        private static List<String> names(JsonNode wanted, String place) {
            if (!wanted.isArray()) {
                throw error(place, "a list of texts is expected");
            }
            List<String> names = new ArrayList<>();
            wanted.forEach(name -> names.add(text(name, place)));
            return names;
        }

        private static String text(JsonNode wanted, String place) {
            if (!wanted.isTextual()) {
                throw error(place, "a text is expected");
            }
            return wanted.textValue();
        }

        private static int size(JsonNode wanted, String place) {
            if (!wanted.isNumber()
                    || !wanted.canConvertToExactIntegral()
                    || !wanted.canConvertToInt()
                    || wanted.intValue() < 0) {
                throw error(place, "a number from 0 to " + Integer.MAX_VALUE + " is expected");
            }
            return wanted.intValue();
        }

        private static String plain(JsonNode wanted) {
            return wanted.isTextual() ? wanted.textValue() : wanted.toString();
        }
    }
}

package dev.callboard.callback;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import dev.callboard.settings.StartException;
import dev.callboard.text.SafeText;
import dev.callboard.text.Similar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks that a file is a JSON Schema that says what its author meant. A validator ignores an unknown keyword, and finds an
 * invalid value only when a callback comes.
 */
final class SchemaFile {
    private static final Logger LOG = LoggerFactory.getLogger(SchemaFile.class);
    private static final int MAX_VALUE = 50;

    /** Keywords whose value is a schema, or a list of them. */
    private static final Set<String> SCHEMAS = Set.of(
            "additionalItems",
            "additionalProperties",
            "allOf",
            "anyOf",
            "contains",
            "contentSchema",
            "else",
            "if",
            "items",
            "not",
            "oneOf",
            "prefixItems",
            "propertyNames",
            "then",
            "unevaluatedItems",
            "unevaluatedProperties");

    /** Keywords whose value has a schema for each name. */
    private static final Set<String> MAPS =
            Set.of("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties");

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Path file;
    private final Set<String> keywords;

    private SchemaFile(Path file, VersionFlag version) {
        this.file = file;
        this.keywords = new HashSet<>(JsonSchemaFactory.checkVersion(version)
                .getInstance()
                .getKeywords()
                .keySet());
        keywords.addAll(SCHEMAS);
        keywords.addAll(MAPS);
    }

    /**
     * Checks a file against the metaschema that its {@code $schema} names, by default that of 2020-12, and its keywords.
     *
     * @throws StartException if it is no JSON or no schema, or if a keyword is misspelled, with the place in the file
     */
    static void check(Path file) {
        JsonNode schema = read(file);
        VersionFlag version = version(file, schema);
        SchemaValidatorsConfig config =
                SchemaValidatorsConfig.builder().pathType(PathType.JSON_POINTER).build();
        JsonSchemaFactory.getInstance(version)
                .getSchema(SchemaLocation.of(version.getId()), config)
                .validate(schema)
                .stream()
                // A value that is none of an enumeration may also be no list; the former says more.
                .min(Comparator.comparing(message -> !"enum".equals(message.getType())))
                .ifPresent(message -> {
                    throw new StartException(file + ": " + describe(message));
                });
        new SchemaFile(file, version).checkKeywords(schema, "");
    }

    private static JsonNode read(Path file) {
        try {
            return JSON.readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            throw new StartException(
                    file + ": " + (at == null ? "" : "line " + at.getLineNr() + ", column " + at.getColumnNr() + ": ")
                            + e.getOriginalMessage(),
                    e);
        } catch (IOException e) {
            throw new StartException(file + ": is missing or is not readable (" + e.getMessage() + ")", e);
        }
    }

    private static VersionFlag version(Path file, JsonNode schema) {
        String given = schema.path("$schema").asText(VersionFlag.V202012.getId());
        return Arrays.stream(VersionFlag.values())
                .filter(version -> version.getId().replaceFirst("#$", "").equals(given.replaceFirst("#$", "")))
                .findFirst()
                .orElseThrow(() -> new StartException(file + ": /$schema: " + SafeText.line(given, MAX_VALUE)
                        + " is none of "
                        + Arrays.stream(VersionFlag.values())
                                .map(VersionFlag::getId)
                                .collect(Collectors.joining(", "))));
    }

    private static String describe(ValidationMessage message) {
        String found = Optional.ofNullable(message.getInstanceNode())
                .filter(JsonNode::isValueNode)
                .map(value -> " (it is " + SafeText.line(value.toString(), MAX_VALUE) + ")")
                .orElse("");
        return message.getMessage() + found;
    }

    private void checkKeywords(JsonNode schema, String pointer) {
        for (Map.Entry<String, JsonNode> entry : schema.properties()) {
            String keyword = entry.getKey();
            String at = pointer + "/" + escaped(keyword);
            if (!keywords.contains(keyword)) {
                reject(keyword, at);
            } else if (SCHEMAS.contains(keyword) && entry.getValue().isArray()) {
                for (int i = 0; i < entry.getValue().size(); i++) {
                    checkKeywords(entry.getValue().get(i), at + "/" + i);
                }
            } else if (SCHEMAS.contains(keyword)) {
                checkKeywords(entry.getValue(), at);
            } else if (MAPS.contains(keyword)) {
                entry.getValue()
                        .properties()
                        .forEach(named -> checkKeywords(named.getValue(), at + "/" + escaped(named.getKey())));
            }
        }
    }

    /** JSON Schema ignores an unknown keyword; only one that is spelled almost like a known one is a mistake. */
    private void reject(String keyword, String at) {
        Similar.nearest(keyword, keywords).ifPresent(meant -> {
            throw new StartException(file + ": " + at + ": there is no such keyword; did you mean " + meant + "?");
        });
        if (!keyword.startsWith("x-")) {
            LOG.warn("unknown keyword file={} pointer={} (JSON Schema ignores it; correct or remove it)", file, at);
        }
    }

    /** A name in a JSON Pointer (RFC 6901). */
    private static String escaped(String name) {
        return name.replace("~", "~0").replace("/", "~1");
    }
}

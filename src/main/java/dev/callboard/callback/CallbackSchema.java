package dev.callboard.callback;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.networknt.schema.AbstractKeyword;
import com.networknt.schema.ExecutionContext;
import com.networknt.schema.JsonMetaSchema;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.JsonValidator;
import com.networknt.schema.Keyword;
import com.networknt.schema.MaxLengthValidator;
import com.networknt.schema.OutputFormat;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationContext;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.ValidatorTypeCode;
import com.networknt.schema.Vocabulary;
import dev.callboard.callback.InvalidCallbackException.Problem;
import dev.callboard.text.SafeText;
import java.util.List;
import java.util.Set;

/**
 * A JSON Schema (2020-12) that a body is checked against, in time and memory linear in the body: {@link SchemaGuard} rejects
 * a schema that could take longer, and patterns are matched by RE2/J. In one point it differs from the standard: {@code
 * maxLength} counts UTF-16 units, as the tables do. Immutable, and safe for use by any number of threads.
 */
final class CallbackSchema {
    /** How many problems an answer names: a hostile body could have thousands. */
    private static final int MAX_PROBLEMS = 10;

    /** How many problems the validator may keep, of which one takes some hundred bytes. */
    private static final int MAX_MESSAGES = 100;

    private static final int MAX_FIELD = 200;

    private static final SchemaValidatorsConfig CONFIG = SchemaValidatorsConfig.builder()
            .pathType(PathType.JSON_POINTER)
            .regularExpressionFactory(regex -> {
                Pattern pattern = Pattern.compile(regex);
                return text -> pattern.matcher(text).find();
            })
            .build();

    private static final JsonSchemaFactory FACTORY = factory();

    private static final JsonSchema META_SCHEMA = FACTORY.getSchema(
            SchemaLocation.of(SchemaId.V202012),
            SchemaValidatorsConfig.builder().pathType(PathType.JSON_POINTER).build());

    private final JsonSchema schema;

    private CallbackSchema(JsonSchema schema) {
        this.schema = schema;
    }

    private static JsonSchemaFactory factory() {
        Vocabulary standard = Vocabulary.V202012_VALIDATION;
        Vocabulary utf16 = new Vocabulary(
                standard.getIri(),
                standard.getKeywords().stream()
                        .map(keyword -> keyword == ValidatorTypeCode.MAX_LENGTH ? new Utf16MaxLength() : keyword)
                        .toArray(Keyword[]::new));
        JsonMetaSchema metaSchema = JsonMetaSchema.builder(JsonMetaSchema.getV202012())
                .vocabularyFactory(iri -> iri.equals(utf16.getIri()) ? utf16 : null)
                .build();
        return JsonSchemaFactory.getInstance(VersionFlag.V202012, builder -> builder.metaSchema(metaSchema));
    }

    /**
     * Reads a schema.
     *
     * @throws IllegalArgumentException if it is none or may not be used; the message names the place, as a JSON Pointer
     */
    static CallbackSchema of(JsonNode document) {
        META_SCHEMA.validate(document).stream().findFirst().ifPresent(message -> {
            String place = message.getInstanceLocation().toString();
            throw new IllegalArgumentException((place.isEmpty() ? "" : place + ": ") + message.getError());
        });
        if (document.has("$schema") && !document.get("$schema").asText().equals(SchemaId.V202012)) {
            throw new IllegalArgumentException("/$schema: only " + SchemaId.V202012 + " is supported");
        }
        SchemaGuard.check(document);
        JsonSchema schema = FACTORY.getSchema(document, CONFIG);
        schema.initializeValidators();
        return new CallbackSchema(schema);
    }

    /** What is wrong with a body; empty if it is valid. Of very many problems only the first is named. */
    List<Problem> check(JsonNode body) {
        Set<ValidationMessage> messages;
        try {
            messages = schema.validate(new BoundedContext(schema), body, OutputFormat.DEFAULT);
        } catch (TooManyMessagesException e) {
            messages = schema.validate(
                    body, context -> context.getExecutionConfig().setFailFast(true));
        }
        return messages.stream()
                .limit(MAX_PROBLEMS)
                .map(CallbackSchema::problem)
                .toList();
    }

    /** Ends a validation that finds very many problems, since the validator keeps them all. For one validation. */
    private static final class BoundedContext extends ExecutionContext {
        private int messages;

        BoundedContext(JsonSchema schema) {
            super(schema.createExecutionContext().getExecutionConfig());
        }

        /** Asked once for each message. */
        @Override
        public boolean isFailFast() {
            if (++messages > MAX_MESSAGES) {
                throw new TooManyMessagesException();
            }
            return super.isFailFast();
        }
    }

    private static final class TooManyMessagesException extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooManyMessagesException() {
            super("", null, false, false);
        }
    }

    private static Problem problem(ValidationMessage message) {
        String field = message.getInstanceLocation().toString();
        String wanted = plain(message.getSchemaNode());
        return switch (message.getType()) {
            case "required" -> problem(field + "/" + message.getProperty(), "to be present");
            case "type" -> problem(field, "to be of type " + wanted);
            case "minLength" -> problem(field, "to have at least " + wanted + " characters");
            case "maxLength" -> problem(field, "to have at most " + wanted + " characters");
            case "pattern" -> problem(field, "to match " + wanted);
            default -> problem(field, message.getType() + " " + wanted);
        };
    }

    private static Problem problem(String field, String expected) {
        return new Problem(SafeText.line(field, MAX_FIELD), expected);
    }

    private static String plain(JsonNode wanted) {
        return wanted.isTextual() ? wanted.textValue() : wanted.toString();
    }

    /** {@code maxLength} in UTF-16 units, of which a character outside the BMP has two. */
    private static final class Utf16MaxLength extends AbstractKeyword {
        Utf16MaxLength() {
            super("maxLength");
        }

        @Override
        public JsonValidator newValidator(
                SchemaLocation location,
                JsonNodePath evaluationPath,
                JsonNode max,
                JsonSchema parent,
                ValidationContext context) {
            return new MaxLengthValidator(location, evaluationPath, max, parent, context) {
                @Override
                public Set<ValidationMessage> validate(
                        ExecutionContext execution, JsonNode value, JsonNode root, JsonNodePath instanceLocation) {
                    if (!value.isTextual() || value.textValue().length() <= max.longValue()) {
                        return Set.of();
                    }
                    return Set.of(message()
                            .instanceNode(value)
                            .instanceLocation(instanceLocation)
                            .locale(execution.getExecutionConfig().getLocale())
                            .failFast(execution.isFailFast())
                            .arguments(max.longValue())
                            .build());
                }
            };
        }
    }
}

package dev.callboard.callback;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * The bean {@code schemaCheck}: checks a body against {@code <provider>.schema.json} (JSON Schema 2020-12) in the folder
 * of the routes. The schemas are read at startup and before a replay. Safe for use by any number of threads.
 */
public final class SchemaCheck {
    /** How many problems an answer names: a hostile body could have thousands. */
    private static final int MAX_PROBLEMS = 10;

    private final Path folder;
    private final Set<String> providers;
    private volatile Map<String, JsonSchema> schemas;

    /** @throws StartException if a provider's schema can't be read or is no JSON Schema */
    public SchemaCheck(Path folder, Set<String> providers) {
        this.folder = folder;
        this.providers = providers;
        read();
    }

    /**
     * Reads the schemas again.
     *
     * @throws StartException if one of them can't be read or is no JSON Schema; all stay as they were then
     */
    public void read() {
        Map<String, JsonSchema> read = new HashMap<>();
        JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
        SchemaValidatorsConfig config =
                SchemaValidatorsConfig.builder().pathType(PathType.JSON_POINTER).build();
        for (String provider : providers) {
            Path file = folder.resolve(provider + ".schema.json");
            SchemaFile.check(file);
            try (InputStream in = Files.newInputStream(file)) {
                JsonSchema schema = factory.getSchema(in, config);
                schema.initializeValidators();
                read.put(provider, schema);
            } catch (IOException | JsonSchemaException | IllegalArgumentException e) {
                throw new StartException(file + ": is missing or is no JSON Schema (" + e.getMessage() + ")", e);
            }
        }
        schemas = read;
    }

    /**
     * Checks a body.
     *
     * @param provider the variable {@code provider}
     * @param body the body; null if it is empty
     * @throws InvalidCallbackException if the schema does not allow it, with each wrong field and what was expected there
     */
    public void check(@Variable("provider") String provider, @Body JsonNode body) throws InvalidCallbackException {
        JsonNode given = body == null ? NullNode.getInstance() : body;
        Set<ValidationMessage> messages = schemas.get(provider).validate(given);
        if (!messages.isEmpty()) {
            List<InvalidCallbackException.Problem> problems = messages.stream()
                    .limit(MAX_PROBLEMS)
                    .map(SchemaCheck::problem)
                    .toList();
            throw new InvalidCallbackException("The body is not what " + provider + " sends", problems);
        }
    }

    private static InvalidCallbackException.Problem problem(ValidationMessage message) {
        String field = message.getInstanceLocation().toString();
        JsonNode wanted = message.getSchemaNode();
        return switch (message.getType()) {
            case "required" ->
                new InvalidCallbackException.Problem(field + "/" + message.getProperty(), "to be present");
            case "type" -> new InvalidCallbackException.Problem(field, "to be of type " + plain(wanted));
            case "minLength" ->
                new InvalidCallbackException.Problem(field, "to have at least " + wanted + " characters");
            case "maxLength" ->
                new InvalidCallbackException.Problem(field, "to have at most " + wanted + " characters");
            case "pattern" -> new InvalidCallbackException.Problem(field, "to match " + plain(wanted));
            default -> new InvalidCallbackException.Problem(field, message.getType() + " " + plain(wanted));
        };
    }

    private static String plain(JsonNode wanted) {
        return wanted.isTextual() ? wanted.textValue() : wanted.toString();
    }
}

package dev.callboard.callback;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.networknt.schema.JsonSchemaException;
import dev.callboard.callback.InvalidCallbackException.Problem;
import dev.callboard.settings.StartException;
import java.io.IOException;
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
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Path folder;
    private final Set<String> providers;
    private volatile Map<String, CallbackSchema> schemas;

    /** @throws StartException if a provider's schema can't be read or can't be used */
    public SchemaCheck(Path folder, Set<String> providers) {
        this.folder = folder;
        this.providers = providers;
        read();
    }

    /**
     * Reads the schemas again.
     *
     * @throws StartException if one of them can't be read or can't be used; all stay as they were then
     */
    public void read() {
        Map<String, CallbackSchema> read = new HashMap<>();
        for (String provider : providers) {
            Path file = folder.resolve(provider + ".schema.json");
            try {
                read.put(provider, CallbackSchema.of(JSON.readTree(Files.readAllBytes(file))));
            } catch (JacksonException e) {
                JsonLocation at = e.getLocation();
                String where = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
                throw new StartException(file + ": is no JSON" + where + " (" + e.getOriginalMessage() + ")", e);
            } catch (IOException e) {
                throw new StartException(file + ": can't be read (" + e.getMessage() + ")", e);
            } catch (IllegalArgumentException | JsonSchemaException e) {
                throw new StartException(file + ": can't be used as a schema (" + e.getMessage() + ")", e);
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
     * @throws IllegalArgumentException if there is no such provider, as when it was removed and its callbacks are replayed
     */
    public void check(@Variable("provider") String provider, @Body JsonNode body) throws InvalidCallbackException {
        CallbackSchema schema = provider == null ? null : schemas.get(provider);
        if (schema == null) {
            throw new IllegalArgumentException("there is no provider '" + provider + "'");
        }
        List<Problem> problems = schema.check(body == null ? NullNode.getInstance() : body);
        if (!problems.isEmpty()) {
            throw new InvalidCallbackException("The body is not what " + provider + " sends", problems);
        }
    }
}

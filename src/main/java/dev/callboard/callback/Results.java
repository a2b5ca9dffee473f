package dev.callboard.callback;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/**
 * The bean {@code results}: collects the files of a callback one by one. A route in YAML could do so only by evaluating
 * values that the caller chose. Safe for use by any number of threads.
 */
public final class Results {
    private static final List<String> FIELDS = List.of("kind", "url", "externalId", "templateId", "flagged");

    /**
     * Adds a file to the list in the variable {@code results}, which the route has set to {@code ${list()}}. The file is a
     * map of the variables {@code kind} (image, video, audio or file), {@code url}, {@code externalId}, {@code templateId} and {@code
     * flagged}. Nothing is added if {@code url} is not set, blank or no text.
     */
    public void add(Exchange exchange) {
        // The exchange's own: getVariable looks for the prefix of another repository in each name.
        Map<String, Object> variables = exchange.getVariables();
        if (variables.get("url") instanceof String url && !url.isBlank()) {
            Map<String, Object> result = new LinkedHashMap<>();
            for (String field : FIELDS) {
                result.put(field, variables.get(field));
            }
            @SuppressWarnings("unchecked")
            List<Object> results = exchange.getVariable("results", List.class);
            results.add(result);
        }
    }
}

package dev.callboard.callback;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/**
 * The bean {@code results}: lets a route gather a callback's files one by one, which YAML alone can't do with values
 * that a stranger chose. Safe for any number of threads.
 */
public final class Results {
    private static final List<String> FIELDS = List.of("kind", "url", "externalId", "templateId", "flagged");

    /**
     * Adds a file to the list in the variable {@code results}, which the route has set to {@code ${list()}}: a map of
     * the variables {@code kind} (image or video), {@code url}, {@code externalId}, {@code templateId} and {@code
     * flagged}. Without a url there is no file, and nothing is added.
     */
    public void add(Exchange exchange) {
        if (exchange.getVariable("url") instanceof String url && !url.isBlank()) {
            Map<String, Object> result = new LinkedHashMap<>();
            for (String field : FIELDS) {
                result.put(field, exchange.getVariable(field));
            }
            @SuppressWarnings("unchecked")
            List<Object> results = exchange.getVariable("results", List.class);
            results.add(result);
        }
    }
}

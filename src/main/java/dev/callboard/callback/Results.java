package dev.callboard.callback;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;

/**
 * The bean {@code results}: collects the files of a callback one by one. A route in YAML could do so only by evaluating
 * values that the caller chose. Safe for use by any number of threads.
 */
public final class Results {
    private static final String KIND = "kind";
    private static final List<String> FIELDS = List.of(KIND, "url", "externalId", "templateId", "flagged");

    /** The kinds of files by the ends of their names, in lower case. */
    private static final Map<String, Set<String>> ENDINGS = Map.of(
            "video", Set.of("mp4", "webm", "mov", "m4v", "mkv", "avi"),
            "image", Set.of("png", "jpg", "jpeg", "webp", "gif", "avif", "svg", "bmp", "tif", "tiff"),
            "audio", Set.of("mp3", "wav", "m4a", "aac", "ogg", "oga", "opus", "flac"));

    /**
     * Adds a file to the list in the variable {@code results}, which the route has set to {@code ${list()}}. The file
     * is a map of the variables {@code kind} (image, video, audio or file), {@code url}, {@code externalId}, {@code
     * templateId} and {@code flagged}. Nothing is added if {@code url} is not set, blank or no text.
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

    /**
     * Adds a file as {@link #add} does, but of the kind that its URL ends with. The variable {@code kind} has the kind of a
     * file whose URL does not tell it; without one that is {@code file}. The variable stays as it is.
     */
    public void addByEnding(Exchange exchange) {
        Object kind = exchange.getVariable(KIND);
        exchange.setVariable(KIND, kindOf(exchange.getVariable("url"), kind == null ? "file" : kind));
        add(exchange);
        exchange.setVariable(KIND, kind);
    }

    /** The kind by the end of the path of a URL, whatever follows in its query or fragment; otherwise the given one. */
    static Object kindOf(Object url, Object otherwise) {
        if (url instanceof String text) {
            String ending = ending(text);
            for (Map.Entry<String, Set<String>> kind : ENDINGS.entrySet()) {
                if (kind.getValue().contains(ending)) {
                    return kind.getKey();
                }
            }
        }
        return otherwise;
    }

    /** What follows the last dot in the last part of the path, in lower case; empty without a dot. */
    private static String ending(String url) {
        String path = path(url);
        int dot = path.lastIndexOf('.');
        return dot > path.lastIndexOf('/') ? path.substring(dot + 1).toLowerCase(Locale.ROOT) : "";
    }

    /** Without the host, which may end with .mov. By hand, since a provider's URL may be none for {@link java.net.URI}. */
    private static String path(String url) {
        String path = url.strip().split("[?#]", 2)[0];
        int host = path.indexOf("://");
        if (host < 0) {
            return path;
        }
        int slash = path.indexOf('/', host + 3);
        return slash < 0 ? "" : path.substring(slash);
    }
}

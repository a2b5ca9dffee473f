package dev.callboard.callback;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The bean {@code callbackUrl}: reads the query of the request's own URL, never headers or form fields, which Camel mixes
 * with it. Safe for use by any number of threads.
 */
public final class CallbackUrl {
    private static final Pattern REF = Pattern.compile("[A-Za-z0-9._~-]{1,100}");

    /**
     * The value of the query parameter {@code ref}, an id of the task's owner: 1 to 100 unreserved characters (RFC 3986).
     * Null if the parameter is absent, repeated or anything else.
     */
    public String ref(Exchange exchange) {
        String uri = exchange.getMessage(HttpMessage.class).getRequest().uri();
        List<String> values;
        try {
            values = new QueryStringDecoder(uri).parameters().getOrDefault("ref", List.of());
        } catch (IllegalArgumentException e) {
            // A percent sign without two hexadecimal digits after it.
            return null;
        }
        return values.size() == 1 && REF.matcher(values.get(0)).matches() ? values.get(0) : null;
    }
}

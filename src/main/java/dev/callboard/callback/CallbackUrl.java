package dev.callboard.callback;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code callbackUrl}: reads the query of the request's own URL, never headers or form fields, which Camel mixes
 * with it. Safe for use by any number of threads.
 */
public final class CallbackUrl {
    private static final Logger LOG = LoggerFactory.getLogger(CallbackUrl.class);

    private static final Pattern REF = Pattern.compile("[A-Za-z0-9._~-]{1,100}");

    /**
     * The value of the query parameter {@code ref}, an id of the task's owner: 1 to 100 unreserved characters (RFC 3986).
     * Null if the parameter is absent. If it is repeated or anything else, it is dropped: that is logged, and null is
     * returned for a callback, which is recorded without it.
     *
     * @throws InvalidRefException if it is dropped from the URL of a GET, which tests the URL
     */
    public String ref(Exchange exchange) throws InvalidRefException {
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        List<String> values = values(request.uri());
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() == 1 && REF.matcher(values.get(0)).matches()) {
            return values.get(0);
        }
        LOG.warn(
                "dropped ref provider={} client={} method={} (the URL must have it once, as 1 to 100 of the characters"
                        + " A-Z a-z 0-9 . _ ~ -; correct the callback URL)",
                exchange.getVariable("provider"),
                exchange.getVariable("clientAddress"),
                request.method());
        if (request.method().equals(HttpMethod.GET)) {
            throw new InvalidRefException();
        }
        return null;
    }

    private static List<String> values(String uri) {
        try {
            return new QueryStringDecoder(uri).parameters().getOrDefault("ref", List.of());
        } catch (IllegalArgumentException e) {
            // A percent sign without two hexadecimal digits after it.
            return List.of();
        }
    }
}

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
 * with it. A parameter that is repeated or not as expected is dropped: that is logged, and a callback is recorded without
 * it. Safe for use by any number of threads.
 */
public final class CallbackUrl {
    private static final Logger LOG = LoggerFactory.getLogger(CallbackUrl.class);

    /** @param expected the pattern in words */
    private record Parameter(String name, Pattern pattern, String expected) {}

    private static final Parameter REF = new Parameter(
            "ref", Pattern.compile("[A-Za-z0-9._~-]{1,100}"), "1 to 100 of the characters A-Z a-z 0-9 . _ ~ -");

    private static final Parameter FAMILY =
            new Parameter("family", Pattern.compile("[a-z0-9_]{1,50}"), "1 to 50 of the characters a-z 0-9 _");

    /**
     * The value of the query parameter {@code ref}, an id of the task's owner: 1 to 100 unreserved characters (RFC 3986).
     * Null if it is absent or dropped.
     *
     * @throws InvalidCallbackUrlException if it is dropped from the URL of a GET, which tests the URL
     */
    public String ref(Exchange exchange) throws InvalidCallbackUrlException {
        return value(REF, exchange);
    }

    /**
     * The value of the query parameter {@code family}, the family of the task at a provider whose callbacks do not name it:
     * 1 to 50 lower-case letters, digits and underscores. Null if it is absent or dropped.
     *
     * @throws InvalidCallbackUrlException if it is dropped from the URL of a GET, which tests the URL
     */
    public String family(Exchange exchange) throws InvalidCallbackUrlException {
        return value(FAMILY, exchange);
    }

    private static String value(Parameter parameter, Exchange exchange) throws InvalidCallbackUrlException {
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        List<String> values = values(request.uri(), parameter.name());
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() == 1 && parameter.pattern().matcher(values.get(0)).matches()) {
            return values.get(0);
        }
        LOG.warn(
                "dropped {} provider={} client={} method={} (the URL must have it once, as {}; correct the callback URL)",
                parameter.name(),
                exchange.getVariable("provider"),
                exchange.getVariable("clientAddress"),
                request.method(),
                parameter.expected());
        if (request.method().equals(HttpMethod.GET)) {
            throw new InvalidCallbackUrlException(parameter.name(), parameter.expected());
        }
        return null;
    }

    private static List<String> values(String uri, String name) {
        try {
            return new QueryStringDecoder(uri).parameters().getOrDefault(name, List.of());
        } catch (IllegalArgumentException e) {
            // A percent sign without two hexadecimal digits after it.
            return List.of();
        }
    }
}

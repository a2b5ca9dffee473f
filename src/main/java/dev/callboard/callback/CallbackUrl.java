package dev.callboard.callback;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The bean {@code queryWord}: a word of the task's owner in the callback URL. Read from the request's own query, never
 * from headers or form fields, which Camel mixes with it. Safe for any number of threads.
 */
public final class CallbackUrl {
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9._~-]{1,100}");

    /** The word of {@code ref=}, at most 100 URL-safe characters; null if it is absent, repeated or anything else. */
    public String ref(Exchange exchange) {
        String uri = exchange.getMessage(HttpMessage.class).getRequest().uri();
        List<String> words;
        try {
            words = new QueryStringDecoder(uri).parameters().getOrDefault("ref", List.of());
        } catch (IllegalArgumentException e) {
            // A percent sign that is followed by no two hex digits.
            return null;
        }
        return words.size() == 1 && WORD.matcher(words.get(0)).matches() ? words.get(0) : null;
    }
}

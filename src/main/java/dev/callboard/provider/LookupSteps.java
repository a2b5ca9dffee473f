package dev.callboard.provider;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.callboard.provider.Lookup.Result;
import dev.callboard.provider.LookupFailedException.Kind;
import dev.callboard.text.Causes;
import dev.callboard.text.RetryAfter;
import dev.callboard.text.SafeText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code lookup}: the steps that the routes {@code lookup-<provider>} have in common. They take what a provider
 * answers for hostile: it is checked before it is used, and quoted only as one short line. Safe for use by any number of
 * threads.
 */
public final class LookupSteps {
    private static final Logger LOG = LoggerFactory.getLogger(LookupSteps.class);

    private static final int MAX_SHOWN = 200;

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final int maxBytes;
    private final Clock clock;

    /** @param maxBytes the length of the longest answer about a task, as of a callback */
    public LookupSteps(int maxBytes, Clock clock) {
        this.maxBytes = maxBytes;
        this.clock = clock;
    }

    /**
     * Replaces the answer of an API by what its JSON says: a map, with lists, texts and numbers in it.
     *
     * @throws LookupFailedException unless the status is 200 and the body is a JSON object
     */
    public void readObject(Exchange exchange) throws LookupFailedException {
        if (!(read(exchange) instanceof Map)) {
            throw new LookupFailedException(Kind.UNAVAILABLE, "the answer is no JSON object");
        }
    }

    /**
     * Replaces the answer of an API by what its JSON says: a list, with maps, texts and numbers in it.
     *
     * @throws LookupFailedException unless the status is 200 and the body is a JSON array, with an element at most for each
     *     task that was asked for
     */
    public void readList(Exchange exchange) throws LookupFailedException {
        if (!(read(exchange) instanceof List<?> list)) {
            throw new LookupFailedException(Kind.UNAVAILABLE, "the answer is no JSON array");
        }
        if (list.size() > lookup(exchange).asked().size()) {
            throw new LookupFailedException(Kind.UNAVAILABLE, "the answer has more tasks than were asked for");
        }
    }

    private Object read(Exchange exchange) throws LookupFailedException {
        Message message = exchange.getMessage();
        int status = message.getHeader(Exchange.HTTP_RESPONSE_CODE, 0, Integer.class);
        Lookup lookup = lookup(exchange);
        if (status != 200) {
            LookupFailedException failure =
                    failure(status, message.getHeader("Retry-After", String.class), clock.instant());
            if (failure.isAboutTasks()) {
                lookup.reach();
            }
            throw failure;
        }
        byte[] body = message.getBody(byte[].class);
        message.removeHeaders("*");
        try {
            Object answer = JSON.readValue(body == null ? new byte[0] : body, Object.class);
            message.setBody(answer);
            lookup.reach();
            return answer;
        } catch (JacksonException e) {
            throw new LookupFailedException(Kind.UNAVAILABLE, "the answer is no JSON");
        } catch (IOException e) {
            throw new LookupFailedException(Kind.UNAVAILABLE, "the answer can't be read");
        }
    }

    /** What a status means other than 200. */
    static LookupFailedException failure(int status, String retryAfter, Instant now) {
        String text = "HTTP " + status;
        return switch (status) {
            case 401 -> new LookupFailedException(Kind.REFUSED, text);
            case 404, 410 -> new LookupFailedException(Kind.NOT_FOUND, text);
            case 429 -> new LookupFailedException(Kind.THROTTLED, text, RetryAfter.read(retryAfter, now));
            case 400, 405, 406, 414, 422 -> new LookupFailedException(Kind.REJECTED, text);
            case 301, 302, 303, 307, 308 ->
                new LookupFailedException(Kind.UNAVAILABLE, text + ", a redirect, which is not followed");
            case 503 -> new LookupFailedException(Kind.UNAVAILABLE, text, RetryAfter.read(retryAfter, now));
            default -> new LookupFailedException(Kind.UNAVAILABLE, text);
        };
    }

    /**
     * For a route that finds that the provider does not know the tasks that it was asked for, or can't be asked: the
     * variable {@code reason} says why.
     */
    public void unknown(Exchange exchange) {
        lookup(exchange).answerRest(Result.UNKNOWN, line(exchange.getVariable("reason")));
    }

    /**
     * Prepares the recording of one task's answer, which is the body: maps it to the bytes that a callback would have.
     *
     * @throws IllegalArgumentException if the variable {@code taskId} is not the id of a task that was asked for
     */
    public void begin(Exchange exchange) throws IOException {
        Object taskId = exchange.getVariable("taskId");
        if (!(taskId instanceof String id) || !lookup(exchange).isOpen(id)) {
            throw new IllegalArgumentException(
                    "the provider answered about the task '" + line(taskId) + "', which it was not asked for");
        }
        exchange.setVariable("lookupTaskId", id);
        exchange.setVariable("receivedAt", lookup(exchange).askedAt().atOffset(ZoneOffset.UTC));
        // By way of a text: half of a surrogate pair becomes a question mark, and no error.
        byte[] json = JSON.writeValueAsString(exchange.getMessage().getBody()).getBytes(StandardCharsets.UTF_8);
        if (json.length > maxBytes) {
            throw new IllegalArgumentException(
                    "the answer about a task is longer than callboard.max-body-bytes=" + maxBytes);
        }
        exchange.getMessage().setBody(json);
    }

    /** Notes what the recording of one task's answer has changed. */
    public void end(Exchange exchange) {
        boolean changed = Boolean.TRUE.equals(exchange.getVariable("recorded"));
        lookup(exchange)
                .answer(
                        exchange.getVariable("lookupTaskId", String.class),
                        changed ? Result.CHANGED : Result.UNCHANGED,
                        "status " + line(exchange.getVariable("status")));
    }

    /** Notes that the answer about one task could not be used or recorded. */
    public void fail(Exchange exchange) {
        Exception cause = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        String why = line(cause == null ? "" : Causes.describe(cause));
        LOG.warn(
                "look-up failed provider={} task=\"{}\" cause=\"{}\"",
                exchange.getVariable("provider"),
                line(exchange.getVariable("taskId")).replace('"', '\''),
                why.replace('"', '\''));
        if (exchange.getVariable("lookupTaskId") instanceof String id) {
            lookup(exchange).answer(id, Result.FAILED, "the answer could not be used (see the log)");
        }
    }

    private static Lookup lookup(Exchange exchange) {
        return exchange.getVariable(Lookup.VARIABLE, Lookup.class);
    }

    private static String line(Object value) {
        return SafeText.line(Objects.toString(value, ""), MAX_SHOWN);
    }
}

package dev.callboard.provider;

import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.support.DefaultExchange;

/**
 * One request to a provider's API about some of its tasks, and what came of each. An exchange carries it in the variable
 * {@code lookup}, and shares it with the copies that a split makes. Safe for use by any number of threads.
 */
final class Lookup {
    static final String VARIABLE = "lookup";

    /** What came of one task. */
    enum Result {
        /** The answer was recorded. */
        CHANGED,
        /** The answer says nothing new. */
        UNCHANGED,
        /** The provider does not know the task, or it can't be asked for it. */
        UNKNOWN,
        /** The answer could not be read or recorded. */
        FAILED
    }

    /** @param text what the provider says, for people: at most some 200 characters of one line */
    record Answer(Result result, String text) {}

    private final String provider;
    private final Set<String> asked;
    private final Instant askedAt;
    private final Map<String, Answer> answers = new LinkedHashMap<>();
    private volatile boolean reached;

    Lookup(String provider, Collection<String> taskIds, Instant askedAt) {
        this.provider = provider;
        this.asked = new LinkedHashSet<>(taskIds);
        this.askedAt = askedAt;
    }

    String provider() {
        return provider;
    }

    /**
     * Sends the request by the route {@code lookup-<provider>}; returns the exchange, which has an exception if it failed.
     *
     * @param family of all the tasks; null if it is not known
     * @param ids those of the tasks whose ids can be part of a URL
     */
    Exchange send(ProducerTemplate producer, String family, Collection<String> ids) {
        Exchange exchange = new DefaultExchange(producer.getCamelContext(), ExchangePattern.InOut);
        exchange.setVariable("provider", provider);
        exchange.setVariable("origin", "lookup");
        exchange.setVariable("family", family);
        exchange.setVariable(VARIABLE, this);
        exchange.getMessage().setBody(String.join(",", ids));
        return producer.send("direct:lookup-" + provider, exchange);
    }

    /** The ids of the tasks that it is about. */
    Set<String> asked() {
        return Set.copyOf(asked);
    }

    /** Before the request was sent: what the provider told us later is newer. */
    Instant askedAt() {
        return askedAt;
    }

    /** Notes that the provider has answered, whatever it said. */
    void reach() {
        reached = true;
    }

    /** Whether the provider has answered: a route may find that it can't be asked, and send no request. */
    boolean isReached() {
        return reached;
    }

    /** Whether it asked for a task of which nothing was answered so far. */
    synchronized boolean isOpen(String taskId) {
        return asked.contains(taskId) && !answers.containsKey(taskId);
    }

    /** Notes what came of a task; the first answer counts. */
    synchronized void answer(String taskId, Result result, String text) {
        if (asked.contains(taskId)) {
            answers.putIfAbsent(taskId, new Answer(result, text));
        }
    }

    /** Notes the same for all tasks without an answer. */
    synchronized void answerRest(Result result, String text) {
        asked.forEach(taskId -> answers.putIfAbsent(taskId, new Answer(result, text)));
    }

    synchronized Map<String, Answer> answers() {
        return Map.copyOf(answers);
    }
}

package dev.callboard.http;

import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * How many requests may be with the routes, or wait for a worker thread, at a time; one more is answered 503 at once.
 * Without it they would wait inside Vert.x without a limit, unseen. A request counts from when its body is here, so that
 * a slow sender takes no place, until its route is done, even if its caller has gone by then: it still takes a thread.
 * Safe for any number of threads.
 */
final class InFlight {
    private final int most;
    private final TurnedAway turnedAway;
    private final AtomicInteger count = new AtomicInteger();
    /** Those who have a place, so that each gives back one. */
    private final Set<HttpServerRequest> inside = ConcurrentHashMap.newKeySet();

    InFlight(int most, TurnedAway turnedAway, MeterRegistry meters) {
        this.most = most;
        this.turnedAway = turnedAway;
        meters.gauge("callboard.http.in.flight", count);
    }

    /** Lets a request whose body is here on to its route, or answers it. Called on the event loop. */
    void enter(RoutingContext context) {
        if (count.incrementAndGet() > most) {
            count.decrementAndGet();
            turnedAway.answer(context.response(), "in_flight", most + " requests are in flight");
            return;
        }
        inside.add(context.request());
        context.next();
        // Camel has given the request to a worker now; or it has failed before that, and leavingAfter will not see it.
        if (context.failed() || context.response().ended()) {
            leave(context.request());
        }
    }

    private void leave(HttpServerRequest request) {
        if (inside.remove(request)) {
            count.decrementAndGet();
        }
    }

    /** The route's processor, after which its request is no longer in flight. */
    Processor leavingAfter(Processor route) {
        return exchange -> {
            HttpServerRequest request = exchange.getIn(HttpMessage.class).getRequest();
            try {
                route.process(exchange);
            } finally {
                leave(request);
            }
        };
    }
}

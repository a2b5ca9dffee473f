package dev.callboard.http;

import java.util.function.BiFunction;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.support.service.ServiceSupport;

/** Makes the routes of one component available on one of the two HTTP servers, the public one or that for management. */
public final class RouterEngine extends ServiceSupport implements PlatformHttpEngine {
    private final int port;
    private final BiFunction<PlatformHttpEndpoint, Processor, PlatformHttpConsumer> consumers;

    /** @param consumers makes what passes the requests of a path to a route */
    RouterEngine(int port, BiFunction<PlatformHttpEndpoint, Processor, PlatformHttpConsumer> consumers) {
        this.port = port;
        this.consumers = consumers;
    }

    @Override
    public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor route) {
        return consumers.apply(endpoint, route);
    }

    @Override
    public int getServerPort() {
        return port;
    }
}

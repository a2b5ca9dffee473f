package dev.callboard;

import java.util.List;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.support.service.ServiceSupport;

/** Lets the routes of one component be reached through one server: the public one, or the one for management. */
final class RouterEngine extends ServiceSupport implements PlatformHttpEngine {
    private final String routerName;
    private final int port;

    RouterEngine(String routerName, int port) {
        this.routerName = routerName;
        this.port = port;
    }

    @Override
    public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor processor) {
        return new VertxPlatformHttpConsumer(endpoint, processor, List.of(), routerName);
    }

    @Override
    public int getServerPort() {
        return port;
    }
}

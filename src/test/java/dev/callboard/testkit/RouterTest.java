package dev.callboard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.callback.Results;
import dev.callboard.http.ClientLimits;
import dev.callboard.provider.LookupSteps;
import dev.callboard.settings.Settings;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.main.MainConfigurationProperties;
import org.apache.camel.spi.Registry;
import org.apache.camel.test.main.junit5.CamelMainTestSupport;

/**
 * Runs the router of one provider alone, on Camel's test kit: {@code routes/<provider>.camel.yaml} with a mock in the
 * place of {@code direct:record-task}. No HTTP, no database.
 */
public abstract class RouterTest extends CamelMainTestSupport {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_BYTES = 1_000_000;

    private final String provider;

    protected RouterTest(String provider) {
        this.provider = provider;
    }

    @Override
    protected void configure(MainConfigurationProperties configuration) {
        configuration.withRoutesIncludePattern("file:routes/" + provider + ".camel.yaml");
        configuration.addRoutesBuilder(new RouteBuilder() {
            @Override
            public void configure() {
                // The file makes a route of this template, which this test does not need.
                routeTemplate("receive-callback")
                        .templateParameter("provider")
                        .from("direct:receive-{{provider}}")
                        .to("direct:{{provider}}");
                from("direct:record-task").to("mock:record-task");
                from("direct:record-lookup").to("mock:record-lookup");
            }
        });
    }

    /** The placeholders of the route that looks tasks up. */
    @Override
    protected String getPropertyPlaceholderLocations() {
        return "file:" + Settings.FILE;
    }

    @Override
    protected void bindToRegistry(Registry registry) {
        registry.bind("results", new Results());
        registry.bind("lookup", new LookupSteps(MAX_BYTES, Clock.systemUTC()));
        registry.bind("lookupHttp", new ClientLimits(Duration.ofSeconds(30), 2 * 1024 * 1024));
    }

    /** Sends a callback to the router; the exchange, with its variables, as it is recorded. */
    protected Exchange route(String json) throws Exception {
        return route(json, Map.of());
    }

    /** The same, with variables that the template sets from the callback's URL. */
    protected Exchange route(String json, Map<String, Object> variables) throws Exception {
        MockEndpoint recorded = context.getEndpoint("mock:record-task", MockEndpoint.class);
        recorded.expectedMessageCount(1);
        Map<?, ?> body = JSON.readValue(json, Map.class);
        Exchange sent = template.send("direct:" + provider, exchange -> {
            variables.forEach(exchange::setVariable);
            exchange.getMessage().setBody(body);
        });
        assertThat(sent.getException()).isNull();
        recorded.assertIsSatisfied();
        return recorded.getExchanges().get(0);
    }
}

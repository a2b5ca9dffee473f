package dev.callboard.command;

import dev.callboard.StoppedRoutes;
import dev.callboard.settings.Settings;
import java.io.PrintStream;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.support.DefaultExchange;

/**
 * {@code callboard test-mail}: sends a test mail and a message to the chat as {@code POST /mails/test} does, with the settings
 * as they are now.
 */
final class TestMailCommand {
    private static final List<String> ROUTES = List.of("post-to-chat", "send-tests");

    private TestMailCommand() {}

    /** @throws CommandFailedException if the mail server or the chat did not accept it for every recipient */
    static void run(Settings settings, PrintStream out) throws CommandFailedException {
        try (StoppedRoutes routes = StoppedRoutes.read(settings);
                ProducerTemplate producer = routes.camel().createProducerTemplate()) {
            CamelContext camel = routes.camel();
            for (String route : ROUTES) {
                camel.getRouteController().startRoute(route);
            }
            Exchange answer = producer.send("direct:send-tests", new DefaultExchange(camel, ExchangePattern.InOut));
            String text = answer.getMessage().getBody(String.class).strip();
            if (!"200".equals(answer.getVariable("code"))) {
                throw new CommandFailedException(text);
            }
            out.println(text);
        } catch (CommandFailedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}

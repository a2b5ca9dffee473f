package dev.callboard.callback;

import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;

/**
 * The processor {@code acknowledgement}: answers 200 with an empty body, and without headers that a router has set.
 * Safe for use by any number of threads.
 */
public final class Acknowledgement implements Processor {
    @Override
    public void process(Exchange exchange) {
        Message message = exchange.getMessage();
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, 200);
        message.setBody("");
    }
}

package dev.callboard.command;

import dev.callboard.alert.MailComposer;
import dev.callboard.alert.MailHealthCheck;
import dev.callboard.alert.MailServer;
import dev.callboard.alert.Recipients;
import dev.callboard.alert.TestMail;
import dev.callboard.settings.Settings;
import jakarta.mail.MessagingException;
import java.io.PrintStream;
import java.time.Clock;

/** {@code callboard test-mail}: sends a test mail as {@code POST /mails/test} does, with the settings as they are now. */
final class TestMailCommand {
    private TestMailCommand() {}

    /** @throws CommandFailedException if the mail server did not accept it for every recipient */
    static void run(Settings settings, Clock clock, PrintStream out) throws CommandFailedException {
        Recipients recipients = new Recipients(settings);
        TestMail mail = new TestMail(
                settings, recipients, new MailComposer(settings, recipients, clock), new MailHealthCheck());
        try {
            MailServer.of(settings, clock).send(mail.compose());
        } catch (MessagingException e) {
            throw new CommandFailedException(mail.answer(e).strip(), e);
        }
        out.print(mail.answer(null));
    }
}

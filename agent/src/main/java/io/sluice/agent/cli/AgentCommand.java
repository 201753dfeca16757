// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.sluice.agent.node.Agent;
import io.sluice.config.cli.CommandException;
import io.sluice.config.cli.SluiceCommand;
import io.sluice.config.settings.AgentConfig;
import io.sluice.config.settings.AgentKeys;
import io.sluice.config.settings.SettingsException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sluice agent}: runs this node's agent until it is told to stop. */
@Command(
    name = "agent",
    description = "Run this node's agent, in the foreground, until SIGTERM or SIGINT.",
    footer = {
      "",
      "A configuration (HOCON), with everything but the source's path at its default:",
      "  sluice {",
      "    node-name  = node1            # the host's name",
      "    source     = { type = file, path = /etc/sluice/manifests }",
      "    bpffs      = /sys/fs/bpf",
      "    data-dir   = /var/lib/sluice",
      "    log-level  = info             # error, warn, info or debug",
      "    management = { host = 127.0.0.1, port = 8558 }   # elsewhere with tls and token-file",
      "    cluster    = { host = 10.0.0.1, port = 25520, seeds = [10.0.0.1, 10.0.0.2, 10.0.0.3] }",
      "    # and any field of a FelixConfiguration, such as",
      "    bpfLogLevel = Off",
      "  }",
      "",
      "The agent may be stopped, killed and started at any time: what it has attached goes on",
      "forwarding, and the next one adopts it. 'sluice uninstall' takes it away.",
      "",
      "Log on stderr, a line a message. SLUICE_LOG=debug in the environment outdoes log-level."
    })
public final class AgentCommand implements SluiceCommand {
  @Mixin private HelpOption help;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "the agent's configuration")
  private Path config;

  @Override
  public Integer call() throws Exception {
    AgentConfig settings = load(config);
    logLevel(settings.keys().logLevel());
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    Thread hook = new Thread(() -> stop(asked, stopped), "stop");
    try (Agent agent = Agent.start(settings)) {
      Runtime.getRuntime().addShutdownHook(hook);
      Thread ended = new Thread(() -> awaitEnd(agent, asked), "await-end");
      ended.setDaemon(true);
      ended.start();
      asked.await();
    } finally {
      stopped.countDown();
    }
    return 1;
  }

  /** The actors end by themselves only when something is broken for good. */
  private static void awaitEnd(Agent agent, CountDownLatch asked) {
    try {
      agent.await();
      asked.countDown();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Being told to stop, and stopping, is success; the JVM's own idea is 128 and the signal. */
  private static void stop(CountDownLatch asked, CountDownLatch stopped) {
    if (stopped.getCount() == 0) {
      return;
    }
    asked.countDown();
    try {
      stopped.await();
      Runtime.getRuntime().halt(0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static AgentConfig load(Path file) {
    return load(Optional.of(file), System.getenv());
  }

  static AgentConfig load(Optional<Path> file, Map<String, String> environment) {
    try {
      return AgentConfig.load(file, environment);
    } catch (SettingsException e) {
      throw new CommandException(e.getMessage());
    }
  }

  /** The environment is for one run, so it outdoes the file. */
  private static void logLevel(AgentKeys.LogLevel configured) {
    Level level = Level.toLevel(configured.name());
    Level wanted = Level.toLevel(System.getenv("SLUICE_LOG"), level);
    ((Logger) LoggerFactory.getLogger("io.sluice")).setLevel(wanted);
  }
}

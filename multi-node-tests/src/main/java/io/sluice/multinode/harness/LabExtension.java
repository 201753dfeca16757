// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.LabNames;
import io.sluice.lab.Topology;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** Brings up the lab of a {@link LabTest}, and removes it. */
final class LabExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        TestExecutionExceptionHandler,
        ParameterResolver {
  /** Beside the lab of the commands, which a developer may have up meanwhile. */
  static final LabNames NAMES = LabNames.named(System.getProperty("sluice.test.lab", "slt-mnt"));

  private static final ExtensionContext.Namespace HERE =
      ExtensionContext.Namespace.create(LabExtension.class);

  /** Others who test wait for this lab, too. */
  private static final Duration LOCK_PATIENCE = Duration.ofMinutes(10);

  /** What lives as long as the class. */
  private record Running(Lab lab, Cluster cluster, Janitor janitor, LabTest wanted) {}

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    LabTest wanted = context.getRequiredTestClass().getAnnotation(LabTest.class);
    Topology topology = topology(wanted);
    Lab lab = Lab.open(NAMES, null, line -> {});
    removeLabOfOthersWhoCrashed(lab);
    Janitor janitor = Janitor.watch(NAMES);
    Running running = new Running(lab, new Cluster(lab, topology), janitor, wanted);
    context.getStore(HERE).put(Running.class, running);
    lab.up(topology);
    if (wanted.agents()) {
      try {
        lab.start();
      } catch (LabException e) {
        Evidence.keep(running.cluster, List.of(), name(context));
        throw e;
      }
    }
  }

  /** Takes the lock, once whoever has it is done. */
  private static void removeLabOfOthersWhoCrashed(Lab lab) {
    AtomicReference<LabException> last = new AtomicReference<>();
    Awaitility.await("for the lab: " + last)
        .atMost(LOCK_PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .pollDelay(Duration.ZERO)
        .until(
            () -> {
              try {
                lab.down();
                return true;
              } catch (LabException e) {
                last.set(e);
                return false;
              }
            });
  }

  private static Topology topology(LabTest wanted) throws IOException {
    Map<String, String> settings = new TreeMap<>();
    for (String setting : wanted.settings()) {
      String[] parts = setting.split("=", 2);
      settings.put(parts[0], parts[1]);
    }
    return topologyWithoutSettings(wanted).withSettings(settings);
  }

  private static Topology topologyWithoutSettings(LabTest wanted) throws IOException {
    if (wanted.topology().isEmpty()) {
      Topology standard =
          Topology.standard(wanted.nodes()).with(wanted.overlay()).with(wanted.source());
      return wanted.dataSize().isEmpty() ? standard : standard.withDataSize(wanted.dataSize());
    }
    Path file = Files.createTempFile("topology", ".yaml");
    try {
      Files.writeString(file, wanted.topology());
      return Topology.read(file);
    } finally {
      Files.delete(file);
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    Running running = running(context);
    if (running.wanted.capture()) {
      context.getStore(HERE).put(Capture.class, Capture.start(running.lab, running.cluster));
    }
  }

  /** Before the test's own clean-up takes away what explains it. */
  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    Evidence.keep(running(context).cluster, captures(context), name(context));
    context.getStore(HERE).put(Evidence.class, true);
    throw failure;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    Running running = running(context);
    List<Capture> captures = captures(context);
    boolean kept = context.getStore(HERE).remove(Evidence.class) != null;
    try {
      if (!kept && context.getExecutionException().isPresent()) {
        Evidence.keep(running.cluster, captures, name(context));
      }
      running.cluster.endTraffic();
      running.cluster.healFaults();
    } finally {
      captures.forEach(Capture::discard);
    }
  }

  @SuppressWarnings("unchecked")
  private static List<Capture> captures(ExtensionContext context) {
    List<Capture> captures = context.getStore(HERE).remove(Capture.class, List.class);
    return captures == null ? List.of() : captures;
  }

  @Override
  public void afterAll(ExtensionContext context) {
    Running running = context.getStore(HERE).remove(Running.class, Running.class);
    if (running == null) {
      return;
    }
    running.cluster.endTraffic();
    running.lab.down();
    running.lab.close();
    running.janitor.dismiss();
  }

  private static String name(ExtensionContext context) {
    String name =
        className(context.getRequiredTestClass())
            + context.getTestMethod().map(m -> "." + m.getName()).orElse("")
            + context.getTestMethod().map(m -> " " + context.getDisplayName()).orElse("");
    return name.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("-$", "");
  }

  /** With the class around it, if it is nested. */
  private static String className(Class<?> type) {
    Class<?> around = type.getEnclosingClass();
    return (around == null ? "" : className(around) + ".") + type.getSimpleName();
  }

  private static Running running(ExtensionContext context) {
    return context.getStore(HERE).get(Running.class, Running.class);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Cluster.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return running(context).cluster;
  }
}

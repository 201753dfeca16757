// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.lab.Topology;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of tests that share one lab: it is up, its agents are ready, and a {@link Cluster} is
 * given to the constructor. The lab goes with the class, also after a failure or a kill. What
 * explains a failure (logs, dumps, packets) is kept below {@code target/lab-failures}.
 *
 * <p>Without root the tests are skipped with a line that says so; {@code SLUICE_REQUIRE_KERNEL=1}
 * makes that a failure.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith({NeedsRoot.class, LabExtension.class})
public @interface LabTest {
  /** How many nodes the standard topology gets, if {@link #topology} is not given. */
  int nodes() default 1;

  /** A topology as YAML, as {@code lab up --topology} takes it. */
  String topology() default "";

  /** Whether agents are started, and waited for. */
  boolean agents() default true;

  /** How pods of different nodes reach each other; a topology that is given says it itself. */
  Topology.Overlay overlay() default Topology.Overlay.NONE;

  /** Where agents have their resources from; a topology that is given says it itself. */
  Topology.Source source() default Topology.Source.FILE;

  /** Settings of every agent, as {@code bpfExternalServiceMode=DSR}, besides a topology's. */
  String[] settings() default {};

  /** The size of each node's data folder, as 64m, so that it can be filled; see the topology. */
  String dataSize() default "";

  /** Whether packets on the nodes are captured while a test runs. */
  boolean capture() default true;
}

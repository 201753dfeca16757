// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.cli;

import java.util.concurrent.Callable;

/**
 * A sub-command of {@code sluice}. Modules that the agent does not depend on (the lab, the
 * benchmarks) offer theirs as a service of this type: picocli-annotated, with a public constructor
 * without arguments, named in {@code META-INF/services/io.sluice.config.cli.SluiceCommand}.
 *
 * <p>{@link #call()} returns the exit code: 0 done, 1 failed, 2 wrong usage. An error is one line
 * that says what to do.
 */
public interface SluiceCommand extends Callable<Integer> {}

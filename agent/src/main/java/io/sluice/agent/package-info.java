// SPDX-License-Identifier: Apache-2.0
/** The program: main, the command line, and the wiring of a node. */
package io.sluice.agent;

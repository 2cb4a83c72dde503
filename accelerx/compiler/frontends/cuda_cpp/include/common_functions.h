// The prelude has it all.
#pragma once

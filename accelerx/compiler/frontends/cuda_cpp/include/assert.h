// Defines assert each time it is included, by whether NDEBUG is defined then. The prelude does it first.
#undef assert
#ifdef NDEBUG
#define assert(...) ((void)0)
#else
#define assert(...) __ax_assert(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__)
#endif
